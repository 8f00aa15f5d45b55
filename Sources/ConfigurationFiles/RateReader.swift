import Directory
import Elements
import Foundation
import Limits

/// Reads a rate deck: from the file that is named, or, where none is, as it is in force.
struct RateReader {
  let file: ConfigurationFile
  /// Of decks that name none.
  let currency: String
  let inForce: [RateEntry]

  func read(_ field: Field) -> RateEntry? {
    guard let mapping = field.mapping(ConfigurationKeys.rates),
      let name = mapping.required("name")?.text()
    else { return nil }
    let former = inForce.first { $0.name == name }
    guard var entry = prices(mapping, name, former) else { return nil }
    if let currency = mapping.text("currency") { entry.currency = currency }
    if let timezone = mapping["timezone"], let name = timezone.text() {
      entry.timezone = name
      guard InstalledZones.has(name) else {
        timezone.report(
          "\"\(name)\" is not a time zone of this machine; write one such as Europe/Madrid")
        return nil
      }
    }
    let isKept = mapping["file"] == nil
    // As it is in force it has been checked, and is not asked to follow rules that came later.
    if !isKept || entry != former { check(entry, isKept: isKept, field) }
    return entry
  }

  private func prices(_ mapping: Mapping, _ name: String, _ former: RateEntry?) -> RateEntry? {
    guard let file = mapping["file"] else {
      if former == nil {
        mapping.field.report(
          "a rate deck needs \"file\", its CSV file: no deck \"\(name)\" is in force to be kept")
      }
      return former
    }
    guard let path = file.text() else { return nil }
    guard let data = self.file.rateFile(path) else {
      let kept = former == nil ? "" : ", and without \"file\" the prices in force are kept"
      file.report("there is no readable file \(path); its place is relative to this file\(kept)")
      return nil
    }
    let table: String
    do throws(ConfigurationProblem) {
      table = try EncodingMistake.text(data, of: self.file.place(of: path))
    } catch {
      file.problems.report(error)
      return nil
    }
    return RateEntry(name: name, currency: currency, file: path, table: table)
  }

  /// Problems of a rate file are told with its own lines.
  private func check(_ entry: RateEntry, isKept: Bool, _ field: Field) {
    guard let currency = Currency(entry.currency) else { return }  // The compiler says so.
    let zone: TimeZoneRules
    do throws(ConfigurationError) {
      zone = try InstalledZones.rules(entry.timezone ?? TimeZoneRules.utc.name, for: "timezone")
    } catch {
      return field.report(error.problem)
    }
    let place = isKept ? "rates \(entry.name) in force" : file.place(of: entry.file)
    do throws(RateDeckErrors) {
      let parser = RateDeckParser(currency: currency, zone: zone, isInForce: isKept)
      _ = try parser.parse(Array(entry.table.utf8))
    } catch {
      for problem in error.errors {
        field.problems.report(
          ConfigurationProblem(
            file: place, line: problem.line, field: FieldPath([.key(problem.field)]),
            message: problem.reason))
      }
      if error.total > error.errors.count {
        field.report("\(place) has \(error.total - error.errors.count) more problems")
      }
    }
  }
}
