import Elements
package import Foundation
import Net
import Server

/// The theft of an account, in front of whoever looks: a town of processes on loopback, and what it costs.
package final class Demonstration {
  /// How it ended.
  package enum Outcome: Sendable {
    case kept(DemoReport)
    /// At least one promise was broken; the report says what it cost.
    case broken(DemoReport)
    case failed
    case interrupted
  }

  let narrator: Narrator
  let town: Town
  /// Each promise, and whether it was kept.
  var promises: [(words: String, isKept: Bool)] = []

  private init(_ narrator: Narrator, _ town: Town) {
    (self.narrator, self.town) = (narrator, town)
  }

  /// Plays it from the first to the last line, and leaves nothing behind.
  ///
  /// - Parameter output: Where to tell it.
  /// - Returns: What it came to.
  package static func play(to output: FileHandle) async -> Outcome {
    let narrator = Narrator(to: output)
    let happenings = Happenings()
    let signals = await happenings.followSignals()
    defer { signals.cancel() }
    do {
      let town = try Town(happenings)
      defer { town.close() }
      return try Demonstration(narrator, town).play()
    } catch is DemoInterrupted {
      narrator.say("\nInterrupted: everything was ended and removed.")
      return .interrupted
    } catch {
      narrator.say("\nThe demo could not go on: \(error)", .red)
      return .failed
    }
  }

  private func play() throws -> Outcome {
    narrator.say("The theft of a telephone account, and what it costs with Martinet", .bold)
    narrator.say(
      """

      Server, carrier, mail server and phones are processes that speak SIP, RTP and SMTP over 127.0.0.1. Nothing
      leaves this machine, and nothing stays on it.
      """)
    try open()
    try showACall()
    let theft = try showTheft()
    let report = try settle(theft)
    return promises.allSatisfy(\.isKept) ? .kept(report) : .broken(report)
  }

  func promise(_ words: String, _ isKept: Bool) {
    promises.append((words, isKept))
  }

  // MARK: Before the theft

  /// Starts everybody, from the carrier to the phones.
  private func open() throws {
    narrator.title("1. The office opens")
    let carrier = PhoneSettings(user: "+442079460111", domain: "127.0.0.1", hertz: Voices.carrier)
    try town.start("carrier", as: .carrier(carrier, [Plot.price]))
    try town.start("mail", as: .mailServer)
    try town.wait(for: "the start of carrier and mail server", seconds: 10) {
      $0["carrier"].port > 0 && $0["mail"].port > 0
    }
    let passwords = [Plot.stolen: Self.password(), Plot.other: Self.password()]
    let server = try startServer(passwords)
    try town.order("carrier", .meet(server: server))
    for (number, hertz) in [(Plot.stolen, Voices.stolen), (Plot.other, Voices.other)] {
      try town.start(
        "phone-\(number)",
        as: .phone(
          PhoneSettings(
            user: number, domain: Plot.domain, password: passwords[number] ?? "", server: server,
            registers: true, hertz: hertz)))
    }
    try town.start(
      "thief",
      as: .phone(
        PhoneSettings(
          user: Plot.stolen, domain: Plot.domain, password: passwords[Plot.stolen] ?? "",
          server: server, hertz: Voices.thief)))
    try town.wait(for: "the registration of the phones", seconds: 15) {
      $0["phone-101"].isRegistered && $0["phone-102"].isRegistered && $0["thief"].port > 0
    }
    tellWhoIsThere(server)
  }

  private func tellWhoIsThere(_ server: UInt16) {
    let (limit, price) = (Plot.euros(Plot.limitCents), Plot.price)
    narrator.fact("server", "127.0.0.1:\(server); extension 101 may spend \(limit) a day")
    narrator.fact(
      "carrier",
      "127.0.0.1:\(town.seen["carrier"].port); calls to +44: \(Plot.euros(price.connectionCents)) to connect and "
        + "\(Plot.euros(price.centsPerMinute)) for each begun minute")
    narrator.fact("mail", "127.0.0.1:\(town.seen["mail"].port); the owner is \(Plot.owner)")
    narrator.fact("phones", "101 and 102 are registered")
  }

  private func startServer(_ passwords: [String: String]) throws -> UInt16 {
    let document = Plot.office(
      passwords: passwords, carrier: town.seen["carrier"].port, mail: town.seen["mail"].port)
    _ = try Installation(town.dataFolder).apply(
      document: document, file: "office.yaml", files: ["retail.csv": Plot.rates], by: "demo")
    // Anywhere below the kernel's own range; a port that is taken is passed over.
    let first = 10_000 + 2 * Int.random(in: 0..<10_000)
    try town.start(
      "server", as: .server(dataFolder: town.dataFolder, rtp: "\(first)-\(first + 999)"))
    var port: UInt16?
    try town.wait(for: "the server's word that it is ready", seconds: 20) { seen in
      let ready = seen.lines.first { $0.hasPrefix("ready: SIP on UDP 127.0.0.1:") }
      port = ready?.split(separator: ";").first?.split(separator: ":").last.flatMap { UInt16($0) }
      return port != nil
    }
    return port ?? 0
  }

  private func showACall() throws {
    narrator.title("2. Two phones talk")
    let begun = Clocks.wall()
    try talk("phone-102", to: Plot.stolen, with: "phone-101", endedBy: "phone-102")
    promise("two phones hear each other", true)
    narrator.say(
      "  102 calls 101: it is answered, each hears the other's voice, and it costs nothing (\((Clocks.wall() - begun).wholeMilliseconds) ms)."
    )
  }

  /// One call, until each side has heard the other's voice; then one of them hangs up.
  func talk(
    _ caller: String, to number: String, with called: String, endedBy last: String
  ) throws {
    let (calling, answering) = (town.seen[caller], town.seen[called])
    try town.order(caller, .call(to: number, times: 1, overMilliseconds: 0))
    try town.wait(for: "a call from \(caller) to \(number) with voices both ways", seconds: 10) {
      seen in
      if let refusal = seen[caller].refused.first(where: { calling.refused[$0.key] == nil }) {
        throw DemoFailure(
          "\(number) was refused: \(refusal.value.status) \(refusal.value.words)")
      }
      return Self.hears(Voices.voice(of: called), in: seen[caller], since: calling)
        && Self.hears(Voices.voice(of: caller), in: seen[called], since: answering)
    }
    try town.order(last, .hangUp)
    try town.wait(for: "the end of the call to \(number)", seconds: 10) { seen in
      seen[caller].ended.count > calling.ended.count
        && seen[called].ended.count > answering.ended.count
    }
  }

  /// Whether a call that was not there before has that voice in it.
  private static func hears(
    _ hertz: Int, in agent: Observations.Agent, since before: Observations.Agent
  ) -> Bool {
    agent.answered.subtracting(before.answered).contains {
      agent.heard[$0]?.contains(hertz) ?? false
    }
  }

  /// Different in every run, and strong by the server's own rule.
  private static func password() -> String {
    let letters = Array("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789")
    return String((0..<20).compactMap { _ in letters.randomElement() })
  }
}

/// Who speaks with which tone.
enum Voices {
  static let stolen = 400
  static let other = 500
  static let carrier = 650
  static let thief = 850

  static func voice(of agent: String) -> Int {
    switch agent {
    case "phone-101": stolen
    case "phone-102": other
    case "carrier": carrier
    case _: thief
    }
  }
}
