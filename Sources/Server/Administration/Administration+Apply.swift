import ConfigurationFiles
package import API
import Directory
import Elements
import Foundation
import Switch
import Yams

extension Administration {
  /// Reads and checks a document, and puts it in force; or changes nothing and says all that is wrong.
  ///
  /// `text` is the YAML, `file` its name for messages; `files` are the rate files that it names, by the
  /// names it gives them; `person` goes into the audit trail. Whom of `attendance` it would lock out it locks out only
  /// if it `locksOut`.
  package func apply(
    document text: String, file: String, files: [String: String],
    attendance: Attendance, locksOut: Bool = false, by person: String
  ) throws -> ApplyReport {
    try inTurn {
      try replaceDocument(
        by: text, file: file, files: files, attendance, locksOut: locksOut, person: person)
    }
  }

  private func replaceDocument(
    by text: String, file: String, files: [String: String], _ attendance: Attendance,
    locksOut: Bool, person: String
  ) throws -> ApplyReport {
    let before = document()
    var dice = Dice.system
    let read = try ConfigurationReader(previous: before).read(
      ConfigurationFile(name: file, bytes: Array(text.utf8)) { name in
        files[name].map { Array($0.utf8) }
      },
      revision: rulebook().directory.revision + 1, dice: &dice)
    let countries = read.snapshot.countries
    var changes = DocumentChanges(from: before, to: read.document).lines
    if countries != rulebook().directory.countries, !countries.isEmpty {
      changes.append("read the countries of addresses: \(countries.words)")
    }
    if countries == rulebook().directory.countries { CountryCopy(in: folder).renew() }
    let lockedOut = try lockOuts(by: read.snapshot, of: attendance, isAccepted: locksOut)
    if !changes.isEmpty {
      try noteCountries(countries, of: read.document, by: person)
      try noteLockOut(lockedOut, by: person)
      try adopt(read.document, countries: countries, by: person)
    }
    return ApplyReport(
      changes: changes,
      generated: read.generated.map { secret in
        ApplyReport.GeneratedPassword(
          purpose: secret.purpose == .webhook ? .webhook : .phone, tenant: secret.tenant,
          extension: read.document.extensions(of: secret), user: secret.name,
          password: secret.value)
      }, lockedOut: lockedOut.flatMap { $0.isEmpty ? nil : $0 })
  }

  /// The configuration in force as YAML, without secrets.
  package func export(withRates: Bool) throws -> ExportReport {
    let output = try ConfigurationWriter().write(document(), withRateFiles: withRates)
    return ExportReport(document: output.yaml, files: output.rateFiles)
  }
}

extension Installation {
  /// The contents of the rate files that a document names, relative to its own folder.
  ///
  /// A file that cannot be read is left out: the reader of the document names it, with its line.
  ///
  /// - Throws: What is wrong with files that are not UTF-8.
  package static func filesNamed(
    in document: String, beside path: String
  ) throws
    -> [String: String]
  {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    // A document that is no YAML is refused by its reader, with the place of the mistake.
    guard let root = try? YAMLText.compose(document), let rates = root["rates"]?.sequence else {
      return [:]
    }
    var files: [String: String] = [:]
    var problems: [ConfigurationProblem] = []
    for name in rates.compactMap({ $0["file"]?.string }) {
      let file = URL(fileURLWithPath: name, relativeTo: folder)
      guard let data = try? Data(contentsOf: file) else { continue }
      do throws(ConfigurationProblem) {
        files[name] = try EncodingMistake.text(
          Array(data), of: ConfigurationFile.place(of: name, namedIn: path))
      } catch {
        problems.append(error)
      }
    }
    guard problems.isEmpty else { throw ConfigurationProblems(problems) }
    return files
  }
}

extension DirectoryDocument {
  /// The numbers of the phone that a password was made for, its own first; nil for other secrets.
  fileprivate func extensions(of secret: GeneratedSecret) -> String? {
    guard secret.purpose == .device,
      let tenant = tenants.first(where: { $0.name == secret.tenant })
    else { return nil }
    if let line = tenant.extensions.first(where: { line in
      line.devices.contains { $0.username == secret.name }
    }) {
      return line.number
    }
    return tenant.devices.first { $0.username == secret.name }?.extensions.joined(separator: ", ")
  }
}
