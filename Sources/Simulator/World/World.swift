package import Elements
import Limits
import Relay
import SIP
import Switch

/// One simulated world: the real switch and the real relay among phones, carriers and thieves, in
/// virtual time, all of it decided by one seed.
final class World {
  /// The carrier may take so long to stop; part of what the switch promises.
  static let guardTime = CallLimits().renewAhead

  let seed: UInt64
  var dice: SplitMix
  let options: Options
  var town: Town
  var trace: Trace
  private var agenda = Agenda()
  private(set) var now: Now
  private var wallOffset: Int64
  private(set) var events = 0

  var network = VirtualNetwork()
  var disk: VirtualDisk
  var agents: [SimulatedAgent] = []
  var carriers: [Carrier] = []
  var attempts: [Attempt] = []
  var mediaEnds: [Endpoint: (agent: Int, call: Int)] = [:]
  private var mediaPort: UInt16 = 20_000

  // The process: the switch and the relay die together.
  var core: SwitchCore
  var relay: RelayCore
  var process = 0
  var isUp = false
  var switchWake = Instant.never
  var relayWake = Instant.never
  /// The session that got a port last.
  var mediaSessions: [Endpoint: MediaSessionID] = [:]
  var sockets: [SocketID: Endpoint] = [:]
  var socketsByEndpoint: [Endpoint: SocketID] = [:]
  /// Batches that were written and not confirmed, for a sabotage that confirms too early.
  var unconfirmed: UInt64?
  var switchEffects: [SwitchEffect] = []
  var relayEffects: [RelayEffect] = []

  // The checkers.
  var witness = MoneyWitness()
  var batches: BatchChecker
  var violations: [Violation] = []
  var sabotage: Sabotage?
  /// Answered calls of the carriers by who pays for them.
  var billed: [AccountID: [(carrier: Carrier, call: Int)]] = [:]
  /// Calls that must be answered when everything has healed.
  var proofs: [Int] = []
  /// The ledger before the event that is being handled, for a sabotage that undoes what it did.
  var ledgerBefore = Ledger()
  /// What a sabotage did to the ledger and the journal must have, too.
  var forgotten: [LedgerEntry] = []
  var isHealed = false
  var isQuiet = false
  /// The last batch before the clock leapt ahead; a death before a later one is on disk makes the leap time that has passed.
  private var leaptAfter: UInt64?
  private(set) var hasLostTime = false

  init(seed: UInt64, sabotage: Sabotage? = nil, keepsTrace: Bool = false) throws {
    self.seed = seed
    self.sabotage = sabotage
    dice = SplitMix(seed: seed)
    options = Options(dice: &dice)
    town = try Town(options, dice: &dice)
    trace = Trace(isKept: keepsTrace)
    disk = VirtualDisk(options.disk)
    batches = BatchChecker(options.disk)
    disk.isOutOfOrder = sabotage == .writesOutOfOrder
    // Any moment of a year, so that hours, days and months begin in some worlds.
    wallOffset = 1_790_000_000_000 + Int64.random(in: 0...31_536_000_000, using: &dice)
    now = Now(instant: .start, wall: WallTime(unixMilliseconds: wallOffset))
    core = SwitchCore(
      configuration: Self.configuration, dice: .seeded(SplitMix(seed: dice.next())))
    relay = RelayCore(
      configuration: Self.relayConfiguration(sabotage), dice: .seeded(SplitMix(seed: dice.next())))
    populate()
    if hasHabits { try rememberHabits() }
    schedule(.start, at: .start)
  }

  /// Ports go from call to call as soon as they may.
  static func relayConfiguration(_ sabotage: Sabotage?) -> RelayConfiguration {
    var configuration = RelayConfiguration()
    configuration.variety = 0
    if sabotage == .forgetsFormers { (configuration.rest, configuration.memory) = (.zero, .zero) }
    return configuration
  }

  static var configuration: SwitchConfiguration {
    var configuration = SwitchConfiguration(nonceSecret: Secret("the same over every restart"))
    configuration.calls.silence = .seconds(60)
    return configuration
  }

  func nextMediaPort() -> UInt16 {
    mediaPort = mediaPort >= 60_000 ? 20_000 : mediaPort + 2
    return mediaPort
  }

  // MARK: - Time

  func schedule(_ event: Event, at moment: Instant) {
    agenda.add(event, at: max(moment, now.instant))
  }

  func schedule(_ event: Event, after delay: Duration) {
    agenda.add(event, at: now.instant + delay)
  }

  func stepClock(by step: Duration) {
    if step > .seconds(60) { leaptAfter = disk.lastSequence ?? 0 }
    wallOffset += step.wholeMilliseconds
    advance(to: now.instant)
  }

  /// A start that cannot know of a leap lets go what has left the windows meanwhile (Limits/README.md).
  func noteLostTime() {
    if let leaptAfter, disk.durableThrough <= leaptAfter { hasLostTime = true }
    leaptAfter = nil
  }

  private func advance(to moment: Instant) {
    now = Now(
      instant: moment,
      wall: WallTime(unixMilliseconds: wallOffset + moment.nanoseconds / 1_000_000))
  }

  /// Lets everything happen until `end`, or until something is wrong.
  func run(until end: Instant) {
    while violations.isEmpty, let next = agenda.next, next <= end,
      let event = agenda.take()
    {
      advance(to: next)
      events += 1
      guard events < 3_000_000 else { return complain("runaway", "3 million events") }
      happen(event)
      sabotage?.afterEvent(in: self)
    }
    if violations.isEmpty { advance(to: max(end, now.instant)) }
  }

  func complain(_ checker: String, _ words: String) {
    violations.append(Violation(checker: checker, at: now.instant, words: words))
    trace.note("violation", at: now.instant, "\(checker): \(words)")
  }

  // MARK: - What happens

  private func happen(_ event: Event) {
    switch event {
    case .toSwitch(let bytes, let from, let peer): arrive(bytes, from: from, peer: peer)
    case .toAgent(let agent, let bytes):
      trace.note("deliver", at: now.instant, bytes: bytes, "to \(agent) \(Self.summary(bytes))")
      let slowness = agents[agent].slownessMs
      guard slowness > 0 else { return agents[agent].receive(bytes) }
      schedule(.looked(agent, bytes), after: dice.milliseconds(0...slowness))
    case .looked(let agent, let bytes): agents[agent].receive(bytes)
    case .agentDeadline(let agent): agents[agent].handleDeadline()
    case .act(let agent, let act):
      trace.note("act", at: now.instant, "\(agent) \(act)")
      if !agents[agent].isDead { agents[agent].act(act) }
    case .switchDeadline(let process):
      // One that was overtaken by an earlier moment is left to the one that counts.
      guard process == self.process, isUp, switchWake == now.instant else { return }
      switchWake = .never
      if let deadline = core.deadline, deadline <= now.instant { return give(.deadline) }
      keepSwitchDeadline()
    case .relayDeadline(let process): relayIsDue(process)
    case .relay(let event, let process): if process == self.process { give(.relay(event)) }
    case .resolved(let question, let hops, let process):
      if process == self.process { give(.resolved(question, hops)) }
    case .flushed(let process): if process == self.process { diskIsDone() }
    case .crash: crash()
    case .start: start()
    case .adopt(let process): if process == self.process { adopt() }
    case .checkpoint: checkpoint()
    case .fault(let fault): strike(fault)
    case .hand(let hand): lendHand(hand)
    case .heal: heal()
    case .prove: prove()
    }
  }

  private func strike(_ fault: Fault) {
    trace.note("fault", at: now.instant, "\(fault)")
    switch fault {
    case .disk(let length): disk.failsUntil = max(disk.failsUntil, now.instant + length)
    case .cut(let link, let length): network.cut(link, until: now.instant + length)
    case .clock(let step): stepClock(by: step)
    }
  }

  static func summary(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.prefix { $0 != 0x0D }.prefix(60), as: UTF8.self)
  }
}

/// A rule that was broken, and when.
package struct Violation: Hashable, Sendable, CustomStringConvertible {
  /// "I1", "I7", "records", "rest" …: README.md says what each one looks at.
  package let checker: String
  package let at: Instant
  package let words: String

  package var description: String {
    "\(checker) at \(at.nanoseconds / 1_000_000) ms: \(words)"
  }
}
