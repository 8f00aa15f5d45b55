import API
import ArgumentParser
import Foundation
import Server

struct Audit: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Looks at the installation as an attacker would, and grades it.",
    discussion: """
      Changes nothing, and may be run while the server works. It asks every listener what scanners ask, looks at what \
      else listens on this machine, tries weak passwords on the stored hashes, and reads the configuration. Ends with \
      status 1 where a finding is as bad as --fail-at or worse. docs/operator/audit.md has every finding.
      """)

  @OptionGroup var options: ServerOptions

  @Option(
    help: ArgumentHelp(
      "Asks a server elsewhere as a stranger, and looks at no data folder.",
      valueName: "[transport:]host[:port]"))
  var target: String?

  @Option(help: "With --target: a domain of that server.")
  var domain: String?

  @Option(help: "With --target: a user who exists there; one wrong password is tried on him.")
  var user: String?

  @Option(help: "File with more words to try as passwords, one a line.")
  var words: String?

  @Option(help: "From which severity on the command fails: low, medium, high or critical.")
  var failAt = AuditFindingReport.Severity.high

  @Flag(help: "One JSON object per line instead of text; the last one has the grade.")
  var json = false

  private static let longestUser = 64

  func validate() throws {
    guard domain == nil && user == nil || target != nil else {
      throw ValidationError(
        "--domain and --user are for --target: here the configuration has both.")
    }
    let isWord =
      user?.utf8.allSatisfy { $0 > 32 && $0 < 127 && !"<>@:;\"".utf8.contains($0) } ?? true
    guard isWord, user?.isEmpty != true, user?.utf8.count ?? 0 <= Self.longestUser else {
      throw ValidationError("--user: a user name of SIP, such as 101 or anna.")
    }
  }

  func run() throws {
    let outcome = try target.map { try remote($0) } ?? local()
    if json {
      for finding in outcome.findings { try JSONLine.print(finding) }
      try JSONLine.print(outcome.summary)
    } else {
      for finding in outcome.findings { Self.show(finding) }
      print(Self.words(outcome.summary))
    }
    if outcome.findings.contains(where: { $0.severity >= failAt }) { throw ExitCode.failure }
  }

  private func local() throws -> Server.Audit.Outcome {
    let configuration = try options.configuration()
    return try Server.Audit(
      configuration, listeners: options.sip == nil ? nil : configuration.listeners,
      http: options.http == nil ? nil : configuration.http,
      words: try words.map(Self.read) ?? []
    ).examine()
  }

  private func remote(_ target: String) throws -> Server.Audit.Outcome {
    Server.Audit.examine(try RemoteServer(target), domain: domain, user: user)
  }

  private static func read(_ path: String) throws -> [String] {
    let lines = try Installation.text(ofFile: path).split(whereSeparator: \.isNewline)
    guard lines.count <= PasswordAudit.mostWords else {
      throw ValidationError("--words: \(path) has more than \(PasswordAudit.mostWords) lines.")
    }
    return lines.map(String.init)
  }

  private static func show(_ finding: AuditFindingReport) {
    print(
      """
      \(finding.severity.rawValue.uppercased())  \(finding.id): \(finding.finding)
          \(finding.why)
          → \(finding.wayOut)
      """)
  }

  private static func words(_ summary: AuditSummaryReport) -> String {
    var text =
      summary.probed.isEmpty
      ? "\nNo server runs here: nothing was asked over the network."
      : "\nAsked as a stranger: \(summary.probed.joined(separator: ", "))."
    if let trial = summary.passwords {
      text +=
        "\nTried \(trial.guesses) passwords on \(trial.phones) phones, \(trial.guessesPerSecond) a second."
    }
    return text
      + "\nGrade \(summary.grade): \(summary.critical) critical, \(summary.high) high, "
      + "\(summary.medium) medium, \(summary.low) low"
      + (summary.unseen > 0 ? ", \(summary.unseen) of them not seen." : ".")
  }
}

extension AuditFindingReport.Severity: ExpressibleByArgument {}
