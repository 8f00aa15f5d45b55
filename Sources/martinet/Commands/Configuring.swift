import API
import ArgumentParser
import Foundation
import Server

struct Apply: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Puts a configuration in force: tenants, phones, trunks, numbers, rates, limits.",
    discussion: """
      The file is checked as a whole first; whatever is wrong is listed with line and field, and then \
      nothing changes. With a running server it holds from the next call on.

      A change of the lists of networks and countries that would lock out phones or carriers that are there \
      now is refused, and tells which; --lock-out makes it all the same.
      """)

  @Argument(help: "YAML file, version 1.") var file: String
  @OptionGroup var folder: DataOption
  @Flag(help: "Locks out who is there now, where the changed lists do so.") var lockOut = false
  @Flag(help: "One JSON object instead of text.") var json = false

  func run() throws {
    let document = try Installation.text(ofFile: file)
    let files = try Installation.filesNamed(in: document, beside: file)
    let report: ApplyReport
    do {
      report = try Installation(folder.data).apply(
        document: document, file: file, files: files, locksOut: lockOut, by: Person.name)
    } catch let refusal as LockOutRefusal {
      guard json else { throw refusal }
      try JSONLine.print(["would_lock_out": refusal.rows])
      throw ExitCode.failure
    }
    if json { return try JSONLine.print(report) }
    for change in report.changes { print(change) }
    for row in report.lockedOut ?? [] { print("locked out \(row.words)") }
    if report.changes.isEmpty { print("Nothing has changed.") }
    if let note = report.note { print(note) }
    guard !report.generated.isEmpty else { return }
    print("\nNew passwords, shown now and never again:\n")
    print(
      TextTable(
        rows: report.generated,
        columns: [
          ("FOR", { $0.purpose.rawValue }), ("TENANT", { $0.tenant ?? "" }),
          ("EXTENSION", { $0.extension ?? "" }), ("USER", { $0.user }),
          ("PASSWORD", { $0.password }),
        ]))
  }
}

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "The configuration in force as YAML, without secrets.",
    discussion: """
      Applied to the installation it came from, it changes nothing: passwords and prices that it does not name \
      are kept. For a new installation write it into a folder, with the rate files.
      """)

  @OptionGroup var folder: DataOption
  @Option(help: "Writes configuration.yaml and the rate files into this folder instead.")
  var into: String?

  func run() throws {
    let installation = Installation(folder.data)
    guard let into else {
      return print(try installation.export(withRates: false).document, terminator: "")
    }
    print("Written: \(try installation.export(into: into).joined(separator: ", "))")
  }
}

struct Records: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Call records, newest first.")

  @OptionGroup var options: LookingOptions
  @Option(help: "Name of the tenant.") var tenant: String?
  @Option(help: "Number of the extension.") var `extension`: String?
  @Option(help: "At most this many.") var limit = 1000

  func validate() throws {
    if self.extension != nil, tenant == nil {
      throw ValidationError("--extension needs --tenant: numbers repeat between tenants.")
    }
    guard limit > 0 else { throw ValidationError("--limit is \(limit); give 1 or more.") }
  }

  func run() throws {
    let records = try Installation(options.folder.data).records(
      tenant: tenant, extension: self.extension, limit: limit)
    try options.show(
      records, none: "There are no call records.",
      columns: [
        ("STARTED", { $0.startedAt }), ("KIND", { $0.kind }), ("FROM", { $0.from }),
        ("TO", { $0.to }), ("ANSWERED BY", { $0.answeredBy ?? "" }),
        ("TALK", { "\($0.talkSeconds) s" }), ("CAUSE", { $0.cause }),
        ("TRUNK", { $0.trunk ?? "" }), ("PAYER", { $0.payer ?? "" }), ("PRICE", { $0.sell ?? "" }),
      ])
  }
}

struct Changes: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Who changed what, newest first: the audit trail.")

  @OptionGroup var options: LookingOptions
  @Option(help: "Name of the tenant; without it all, and the platform.") var tenant: String?
  @Option(help: "At most this many.") var limit = 100

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit is \(limit); give 1 or more.") }
  }

  func run() throws {
    let changes = try Installation(options.folder.data).changes(tenant: tenant, limit: limit)
    try options.show(
      changes, none: "Nothing was changed yet.",
      columns: [
        ("WHEN", { $0.at }), ("BY", { $0.by }), ("TENANT", { $0.tenant ?? "" }),
        ("CHANGE", { $0.action }), ("OF", { $0.subject }),
        ("DETAIL", { $0.detail.split(separator: "\n").joined(separator: "; ") }),
      ])
  }
}
