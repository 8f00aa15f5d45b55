import Elements
import Foundation
import Net

/// What was seen of the theft.
struct Theft {
  let startedAt: Int64
  var blockedAt: Int64?
  /// The highest sum of spent and reserved at any look.
  var mostCommitted = 0
  var alertMilliseconds: Int64?
}

extension Demonstration {
  /// The calls, the block, the mail, what goes on meanwhile, the tone and the cut.
  func showTheft() throws -> Theft {
    tellTheArithmetic()
    var theft = Theft(startedAt: Clocks.wall().unixMilliseconds)
    var meter = Meter(town, narrator, since: theft.startedAt)
    try town.order(
      "thief",
      .call(to: Plot.target, times: Plot.calls, overMilliseconds: Plot.callsOverMilliseconds))
    try meter.run(every: .milliseconds(200), seconds: 20, waitingFor: "the outcome of all calls") {
      $0["thief"].answered.count + $0["thief"].refused.count == Plot.calls
    }
    try showRefusals(&meter, &theft)
    try showMail(&theft)
    try showOtherCalls()
    try showCut(&meter)
    theft.mostCommitted = meter.mostCommitted
    return theft
  }

  private func tellTheArithmetic() {
    let (price, first) = (Plot.price, Plot.firstMinuteCents)
    let fit = Plot.callsThatFit
    narrator.title("3. The theft")
    narrator.say(
      """
        A thief has the password of 101, and calls \(Plot.target) \(Plot.calls) times within a second.

        The carrier bills begun minutes, so the least that a call can cost is its connection and one minute:
          \(Plot.amount(price.connectionCents)) + \(Plot.amount(price.centsPerMinute)) = \(Plot.euros(first)), set aside before the carrier is asked.
          \(fit) calls make \(Plot.euros(fit * first)) and fit the limit of \(Plot.euros(Plot.limitCents)); one more would make \(Plot.euros((fit + 1) * first)).

      """)
  }

  private func showRefusals(_ meter: inout Meter, _ theft: inout Theft) throws {
    let refused = town.seen["thief"].refused.values.sorted {
      ($0.at, $0.status) < ($1.at, $1.status)
    }
    var reasons: [(words: String, count: Int)] = []
    for refusal in refused {
      let words = "\(refusal.status) \(refusal.words)"
      if let known = reasons.firstIndex(where: { $0.words == words }) {
        reasons[known].count += 1
      } else {
        reasons.append((words, 1))
      }
    }
    narrator.say()
    for reason in reasons {
      narrator.say("  \(reason.count) calls were refused with \"\(reason.words)\".", .red)
    }
    theft.blockedAt = try town.standing(of: Plot.stolen).blockedAt
    if let blockedAt = theft.blockedAt {
      narrator.say(
        "  101 is blocked since \(meter.moment(blockedAt)): no more paid calls, until a person lifts it.",
        .red)
    }
    promise("the account is blocked", theft.blockedAt != nil)
  }

  // MARK: The mail

  private func showMail(_ theft: inout Theft) throws {
    func block(in seen: Observations) -> (at: Int64, letter: Letter)? {
      seen.letters.first { $0.letter.subject.contains("blocked") }
    }
    try town.wait(for: "the mail about the block", seconds: 15) { block(in: $0) != nil }
    guard let (at, letter) = block(in: town.seen) else { return }
    let delay = theft.blockedAt.map { at - $0 }
    theft.alertMilliseconds = delay
    narrator.say()
    narrator.say("  \(delay ?? 0) ms after the block this was in the owner's mailbox:", .yellow)
    narrator.say()
    narrator.say("  | To: \(letter.recipients.joined(separator: ", "))")
    narrator.say("  | Subject: \(letter.subject)")
    narrator.say("  |")
    for line in letter.lines { narrator.say(line.isEmpty ? "  |" : "  | \(line)") }
    narrator.say()
    promise("the owner has the mail within a second of the block", (delay ?? .max) <= 1000)
    promise("the mail is for the owner", letter.recipients == [Plot.owner])
  }

  // MARK: Meanwhile

  private func showOtherCalls() throws {
    narrator.say("  Only paid calls of 101 are stopped. Meanwhile:")
    let calls = [
      ("phone-102", Plot.stolen, "phone-101", "102 calls 101"),
      (
        "carrier", Plot.officeNumber, "phone-101",
        "a customer calls \(Plot.officeNumber), 101 answers"
      ),
      ("phone-101", Plot.emergencyNumber, "carrier", "101 calls \(Plot.emergencyNumber)"),
    ]
    for (caller, number, called, words) in calls {
      // The phone hangs up: the carrier has the stolen calls, too.
      try talk(caller, to: number, with: called, endedBy: called == "carrier" ? caller : called)
      promise("\(words), during the block", true)
      narrator.say("    \(words): they hear each other", .green)
    }
    narrator.say()
  }

  // MARK: The cut

  private func showCut(_ meter: inout Meter) throws {
    let admitted = town.seen["thief"].answered.count
    try meter.run(every: .seconds(10), seconds: 90, waitingFor: "the warning tone") {
      $0.tones["thief"]?[Voice.warningHertz] != nil
    }
    let warned = town.seen.tones["thief"]?[Voice.warningHertz] ?? 0
    narrator.say(
      "  \(meter.moment(warned))  the paid minute ends, nothing is left for another: a warning tone is heard in the call",
      .yellow)
    try meter.run(every: .seconds(10), seconds: 30, waitingFor: "the end of the stolen calls") {
      $0["thief"].ended.count == admitted
    }
    let ends = town.seen["thief"].ended.values
    guard let last = ends.map(\.at).max(), let reason = ends.first?.words else { return }
    let lengths = ends.map { Double($0.talkMilliseconds) / 1000 }
    narrator.say(
      "  \(meter.moment(last))  cut on both sides: \"\(reason)\", after at most \(String(format: "%.1f", lengths.max() ?? 0)) s of talk",
      .red)
    promise("a warning tone comes before the cut", warned > 0 && warned < last)
    promise("the calls are cut by the server", ends.allSatisfy(\.byPeer))
    // The last answer to a BYE settles its reservation.
    try meter.runUntilSettled(seconds: 10)
  }
}

/// The rows that show what is spent and reserved at each moment.
struct Meter {
  private let town: Town
  private let narrator: Narrator
  private let start: Int64
  private var standing = Town.Standing(spent: 0, reserved: 0, blockedAt: nil)
  private(set) var mostCommitted = 0

  private static let heads = [
    "time", "spent", "reserved", "together", "limit", "calls up", "refused",
  ]

  init(_ town: Town, _ narrator: Narrator, since start: Int64) {
    (self.town, self.narrator, self.start) = (town, narrator, start)
    narrator.say("  " + Self.row(Self.heads), .faint)
  }

  /// Looks at the ledger in this rhythm and writes a row each time, until it is true.
  mutating func run(
    every interval: Duration, seconds: Double, waitingFor what: String,
    until isTrue: (Observations) -> Bool
  ) throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while !isTrue(town.seen) {
      guard ContinuousClock.now < end else {
        throw DemoFailure("\(what) did not come within \(Int(seconds)) s")
      }
      try look()
      let next = min(end, ContinuousClock.now + interval)
      while !isTrue(town.seen), try town.look(until: next) {}
    }
    try look()
  }

  /// Looks until nothing is reserved any more.
  mutating func runUntilSettled(seconds: Double) throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while standing.reserved > 0 {
      guard ContinuousClock.now < end else {
        throw DemoFailure("the last reservation was not settled within \(Int(seconds)) s")
      }
      _ = try town.look(until: ContinuousClock.now + .milliseconds(200))
      try look()
    }
  }

  private mutating func look() throws {
    standing = try town.standing(of: Plot.stolen)
    let thief = town.seen["thief"]
    mostCommitted = max(mostCommitted, standing.spent + standing.reserved)
    let cells = [
      Plot.amount(standing.spent), Plot.amount(standing.reserved),
      Plot.amount(standing.spent + standing.reserved), Plot.amount(Plot.limitCents),
      "\(thief.callsUp)", "\(thief.refused.count)",
    ]
    narrator.say("  " + Self.row([moment(Clocks.wall().unixMilliseconds)] + cells))
  }

  /// "+12.3 s", since the first stolen call.
  func moment(_ at: Int64) -> String {
    String(format: "+%.2f s", Double(at - start) / 1000)
  }

  private static func row(_ cells: [String]) -> String {
    cells.map { String(repeating: " ", count: max(0, 9 - $0.count)) + $0 }.joined(separator: " ")
  }
}
