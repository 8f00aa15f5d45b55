import ConfigurationFiles
import Directory
import Elements
import Limits
import Switch

/// Makes of a document what the switch goes by: snapshot, rate decks and time zones.
enum Rulebooks {
  /// - Throws: Everything that is wrong with it, with names of fields.
  static func compile(
    _ document: inout DirectoryDocument, revision: UInt64, countries: CountryTable,
    by person: String?
  ) throws -> Rulebook {
    let directory = try DirectoryCompiler.compile(
      &document, revision: revision, countries: countries, isInForce: true)
    var decks: [String: RateDeck] = [:]
    for entry in document.rates {
      guard let currency = Currency(entry.currency) else {
        throw ConfigurationError(
          field: "rates.\(entry.name).currency", problem: "\"\(entry.currency)\" is no currency",
          wayOut: "Write three capital letters, such as EUR.")
      }
      let zone = try InstalledZones.rules(
        entry.timezone ?? TimeZoneRules.utc.name, for: "rates.\(entry.name).timezone")
      do throws(RateDeckErrors) {
        // A rule that is younger than the deck is for the next one: the server must start.
        let parser = RateDeckParser(currency: currency, zone: zone, isInForce: true)
        decks[entry.name] = try parser.parse(Array(entry.table.utf8))
      } catch {
        throw ConfigurationError(
          field: entry.file, problem: "\(error)", wayOut: "Mend these lines; nothing was changed.")
      }
    }
    var zones: [String: TimeZoneRules] = [:]
    for tenant in directory.tenants where zones[tenant.timezone] == nil {
      zones[tenant.timezone] = try InstalledZones.rules(
        tenant.timezone, for: "tenants.\(tenant.name).timezone")
    }
    return Rulebook(directory: directory, decks: decks, zones: zones, appliedBy: person)
  }
}
