import API
import ArgumentParser

struct Calls: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Running calls, and ending one.")

  @OptionGroup var options: LookingOptions

  @Option(help: "End the call with this number.")
  var hangUp: UInt64?

  func run() throws {
    if let hangUp {
      return try options.order(.hangUp(call: hangUp, by: Person.name))
    }
    guard case .calls(let calls) = try options.ask(.calls) else { return }
    try options.show(
      calls, none: "Nobody talks at the moment.",
      columns: [
        ("CALL", { String($0.call) }), ("TENANT", { $0.tenant }), ("KIND", { $0.kind }),
        ("STATE", { $0.state }), ("FROM", { $0.from }), ("TO", { $0.to }),
        ("TRUNK", { $0.trunk ?? "" }), ("ANSWERED", { $0.answeredAt ?? "" }),
        ("COMMITTED", { $0.committed ?? "" }),
      ])
  }
}

struct Registrations: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Phones that can be reached.")

  @OptionGroup var options: LookingOptions

  func run() throws {
    guard case .registrations(let rows) = try options.ask(.registrations) else { return }
    try options.show(
      rows, none: "No phone has registered yet.",
      columns: [
        ("TENANT", { $0.tenant }), ("EXTENSION", { $0.extension }), ("FLOW", { $0.flow }),
        ("EXPIRES", { $0.expiresAt }), ("PHONE", { $0.userAgent }),
        ("CONTACT", { $0.contact }),
      ])
  }
}

struct Trunks: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Links to carriers and their state.")

  @OptionGroup var options: LookingOptions

  func run() throws {
    guard case .trunks(let rows) = try options.ask(.trunks) else { return }
    try options.show(
      rows, none: "There is no link to a carrier.",
      columns: [
        ("TRUNK", { $0.trunk }), ("STATE", { $0.state }), ("ADDRESS", { $0.address }),
        ("CHANNELS", { "\($0.channelsInUse) of \($0.channels)" }),
      ])
  }
}

struct Status: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Whether the server takes calls, and how full it is.")

  @OptionGroup var options: LookingOptions

  func run() throws {
    guard case .status(let status) = try options.ask(.status) else { return }
    if options.json { return try JSONLine.print(status) }
    print(
      """
      Martinet \(status.version) is \(status.state), up for \(status.uptimeSeconds) s.
      \(status.calls) calls, \(status.paidCalls) of them paid; \(status.registrations) phones registered.
      \(status.tenants) tenants, \(status.extensions) extensions.
      \(status.trunksUp) of \(status.trunks) trunks up; journal \(status.journal) at \(status.journalSequence).
      \(status.blocked) accounts blocked; \(status.bans) bans; \(status.alertsWaiting) alerts waiting to be delivered.
      SIP on \(status.listeners.joined(separator: ", ")); RTP ports \(status.rtpPorts).
      \(status.memoryKilobytes / 1024) MB of memory.
      """)
    for certificate in status.certificates {
      print("Certificate \(certificate.words)")
    }
    if let complaint = status.alertComplaint {
      print("An alert has not arrived: \(complaint)")
    }
  }
}

extension CertificateReport {
  /// "of a.example, b.example until 2027-01-01T00:00:00.000Z, renewed from 2026-12-02T00:00:00.000Z on".
  fileprivate var words: String {
    let whose = names.isEmpty ? "without a name" : "of \(names.joined(separator: ", "))"
    let end = until.map { "until \($0)" } ?? "is not there yet"
    let next = renewal.map { ", from the authority at \($0)" } ?? ""
    return "\(whose) \(end)\(next)\(complaint.map { ": \($0)" } ?? "")"
  }
}
