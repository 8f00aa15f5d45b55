import API
import Elements
import Foundation
import Net
import Server

/// The processes of the demo, their folder, and what they have reported; gone after ``close()``.
final class Town {
  let folder: String
  private let happenings: Happenings
  private var children: [ChildProcess] = []
  private(set) var seen = Observations()

  var dataFolder: String { folder + "/data" }

  init(_ happenings: Happenings) throws {
    self.happenings = happenings
    // The control socket's path may have 107 bytes: a long TMPDIR has no room for it.
    let wanted = FileManager.default.temporaryDirectory.path
    var template = Array(
      "\(wanted.utf8.count < 60 ? wanted : "/tmp")/martinet-demo-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw DemoFailure(
        "no temporary folder can be made in \(wanted): set TMPDIR to a writable one")
    }
    folder = template.withUnsafeBufferPointer {
      String(decoding: $0.dropLast().map(UInt8.init), as: UTF8.self)
    }
  }

  // MARK: Processes

  /// Starts a process in its role.
  func start(_ name: String, as role: AgentRole) throws {
    let child = try ChildProcess(name, errorsIn: folder)
    children.append(child)
    happenings.follow(child)
    try child.order(.play(role))
  }

  func order(_ name: String, _ order: AgentOrder) throws {
    try children.first { $0.name == name }?.order(order)
  }

  /// Ends every process and removes the folder; whatever happened before.
  func close() {
    for child in children { child.endInput() }
    for child in children { child.waitForEnd(seconds: 5) }
    children = []
    try? FileManager.default.removeItem(atPath: folder)
  }

  // MARK: Waiting

  /// Waits until something is true of what was seen.
  ///
  /// - Throws: ``DemoFailure`` when it does not come true in time, or a process fails.
  func wait(
    for what: String, seconds: Double, until isTrue: (Observations) throws -> Bool
  ) throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while try !isTrue(seen) {
      guard try look(until: end) || ContinuousClock.now < end else {
        throw DemoFailure("\(what) did not happen within \(Int(seconds)) s")
      }
    }
  }

  /// Takes the next happening; false when none came before that time.
  func look(until end: ContinuousClock.Instant) throws -> Bool {
    guard let happening = happenings.next(before: end) else { return false }
    switch happening {
    case .report(let name, let line):
      if let words = seen.add(line, from: name) { throw DemoFailure("\(name): \(words)") }
    case .line(_, let line): seen.add(line: line)
    case .ended(let name):
      let child = children.first { $0.name == name }
      throw DemoFailure("the \(name) process ended too early. \(child?.complaints ?? "")")
    case .interrupted: throw DemoInterrupted()
    }
    return true
  }

  // MARK: The server's own words

  /// What the server has counted for an extension today, in cents, and since when it is blocked.
  func standing(of number: String) throws -> Standing {
    let request = ControlRequest.limits(of: .account(tenant: Plot.tenant, extension: number))
    let reply = try ControlClient(dataFolder: dataFolder).ask(request)
    guard case .limits(let reports) = reply, let report = reports.first,
      let row = report.limits.first(where: {
        $0.metric == "money" && $0.kind == "calendar" && $0.window == "day"
      }), let spent = Self.cents(row.spent), let reserved = Self.cents(row.reserved)
    else { throw DemoFailure("the server does not say what \(number) has spent: \(reply)") }
    return Standing(
      spent: spent, reserved: reserved, blockedAt: report.blocked.flatMap { Self.moment($0.since) })
  }

  struct Standing: Equatable {
    let spent: Int
    let reserved: Int
    /// Milliseconds since 1970.
    let blockedAt: Int64?
  }

  /// "12.50 EUR" in cents, rounded up: what is less than a cent counts as one.
  private static func cents(_ text: String) -> Int? {
    Decimal(string: text.split(separator: " ").first.map(String.init) ?? "").map {
      Int(NSDecimalNumber(decimal: $0 * 100).doubleValue.rounded(.up))
    }
  }

  /// "2026-03-29T01:59:59.250Z".
  private static func moment(_ text: String) -> Int64? {
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    return (try? Date(text, strategy: style)).map {
      Int64(($0.timeIntervalSince1970 * 1000).rounded())
    }
  }
}

/// Why the demo could not go on, in a sentence.
struct DemoFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// The person has seen enough.
struct DemoInterrupted: Error {}
