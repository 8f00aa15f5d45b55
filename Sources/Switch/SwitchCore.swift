import Directory
package import Elements
package import Guard
package import Limits
import Relay
import SIP
import SIPSyntax

/// The switch: registrar, calls, trunks and money in one value.
///
/// Events in, effects out.
/// See README.md for the words, the invariants and the state diagrams.
package struct SwitchCore: Sendable {
  @Boxed private(set) var configuration: SwitchConfiguration
  var dice: Dice
  var sip: SIPCore
  /// The door in front of the parser.
  @Boxed var admission: Admission
  let edgeKey: FingerprintKey
  var verifier: DigestVerifier
  /// Owned here and changed only through the calls of this core; a simulated world reads it, and breaks
  /// it on purpose to prove that it would see the damage.
  package var ledger = Ledger()
  var rules = Rulebook.empty
  var bindings = BindingTable()
  /// What each account did for the first time, and what it usually does.
  var novelties = Novelties()
  @Boxed package internal(set) var habits = HabitBook()
  var trunks: [TrunkID: TrunkState] = [:]
  var calls: [CallID: Boxed<Call>] = [:]
  var owners = Owners()
  /// Legs whose INVITE or renewed slice waits for the disk, in the order of their batches.
  var waiting: [JournalWaiter] = []
  /// Answers to orders that wait for the disk, in the order of their batches.
  var promised: [PromisedReply] = []
  var journal = JournalPen()
  var agenda = DeadlineQueue<Duty>()
  var callIDs = IDSource<CallSubject>()
  var sessionIDs = IDSource<MediaSessionSubject>()
  var resolutionIDs = IDSource<ResolutionSubject>()
  var alertCounter: UInt64 = 0
  /// Calls without legs: what a dead process left open, and what was answered when nobody waited for it.
  var orphans: [CallID: Orphan] = [:]
  /// By Call-ID, what carriers may still answer of it.
  var lateAnswers: [[UInt8]: LateAnswer] = [:]
  var status = SwitchStatus()
  var isDraining = false
  var output = Output()
  var date = DateField()
  var malformedCount: UInt64 = 0
  var sieges: ByFamily<Siege>
  /// Networks that the services above are to drop, and until when; some are over.
  var barred = NetworkTable<WallTime?>()
  /// What the clocks said at the last event.
  private var lastTime: Now?
  /// Milliseconds; less is a correction.
  private static let clockStep: Int64 = 60_000
  var toldCallFloods = ToldToday<AccountID>()
  var toldGuesses = ToldToday<DeviceID>()
  var toldDepartures = ToldToday<AccountID>()
  var toldPasswords = ToldPasswords()
  /// Connections on which somebody has proven himself, while they are open; only these carry anything of ours.
  var trusted: Set<FlowID> = []
  /// Names that were proven by a certificate on a connection, while that is open.
  var proven: [FlowID: [String]] = [:]
  /// Where trunks are that prove themselves so.
  var askedForCertificates: [IPNetwork] = []
  private var spareEvents: [SIPEvent] = []
  /// When to call ``handle(_:at:into:)`` with `.deadline`; nil: nothing is waiting.
  ///
  /// Kept, and not asked for: whoever calls a getter of a core that lies in an object copies the whole core first.
  package private(set) var deadline: Instant?

  package init(configuration: SwitchConfiguration, dice: Dice) {
    self.configuration = configuration
    self.dice = dice
    sip = SIPCore(configuration: configuration.sip, dice: dice)
    admission = Admission(configuration.edge)
    sieges = ByFamily(both: Siege(configuration.edge))
    edgeKey = FingerprintKey(configuration.nonceSecret, purpose: "edge")
    var salt = dice
    verifier = DigestVerifier(secret: configuration.nonceSecret, salt: salt.next())
  }

  /// Takes one event and gives every effect it has; drain them before the next event.
  package mutating func handle(
    _ event: SwitchEvent, at now: Now, into effects: inout [SwitchEffect]
  ) {
    var events: [SIPEvent] = []
    // The same memory for each event.
    swap(&events, &spareEvents)
    noteClock(at: now)
    switch event {
    case .received(let bytes, let flow):
      guard admits(flow, at: now) else { break }
      sip.receive(bytes, on: flow, at: now, events: &events, effects: &output.wire)
    case .admitted(let bytes, let flow):
      sip.receive(bytes, on: flow, at: now, events: &events, effects: &output.wire)
    case .receivedMessage(let message, let flow):
      guard admits(flow, at: now) else { break }
      sip.receive(message, on: flow, at: now, events: &events, effects: &output.wire)
    case .proven(let connection, let names): proven[connection] = names
    case .unproven(let remote, let reason):
      log(
        .warning, "a carrier's certificate is refused", Alert.Fact("from", "\(remote)"),
        Alert.Fact("why", reason))
    case .flowClosed(let connection):
      proven[connection] = nil
      // Nothing of ours was ever on a stranger's connection, and he may open and close as he likes.
      guard trusted.remove(connection) != nil else { break }
      sip.flowClosed(connection, at: now, events: &events, effects: &output.wire)
      connectionClosed(connection)
      renewRegistrations(on: connection, at: now)
      admission.ended(connection)
    case .transmitFailed(let attempt, let reason):
      sip.transportFailed(
        attempt, reason: reason, at: now, events: &events, effects: &output.wire)
    case .unreachable(let quote, let reason):
      sip.unreachable(
        quote, reason: reason, at: now, events: &events, effects: &output.wire)
    case .relay(let event): handle(event, at: now)
    case .journaled(let number): journaled(through: number, at: now)
    case .journalFailed(let reason): journalFailed(reason, at: now)
    case .unheard(let count, let refusal): lookAround(dropped: count, refusal: refusal, at: now)
    case .resolved(let question, let hops): resolved(question, hops, at: now)
    case .command(let token, let command):
      handle(command, token: token, at: now)
      journal.hurry()  // Whoever asked is told that it is done.
    case .deadline:
      sip.handleDeadline(at: now, events: &events, effects: &output.wire)
      handleDuties(at: now)
    }
    events.handOn { handle($0, at: now) }
    if !output.wire.isEmpty { expectAnswers(at: now) }
    swap(&events, &spareEvents)
    flush(into: &effects)
  }

  private mutating func noteClock(at now: Now) {
    if hasLeapt(to: now) { tellBarredAgain(at: now) }
    lastTime = now
    var entries: [LedgerEntry] = []
    ledger.noteLeap(at: now, into: &entries)
    guard !entries.isEmpty else { return }
    for entry in entries { journal.write(.ledger(entry)) }
    journal.hurry()
    log(.warning, "the clock leapt ahead")
  }

  /// Whether the wall clock was set forward since the last event; the ledger knows of no clock that was only set right again.
  private func hasLeapt(to now: Now) -> Bool {
    guard let lastTime else { return false }
    let passed = (now.instant.nanoseconds - lastTime.instant.nanoseconds) / 1_000_000
    return now.wall.unixMilliseconds - lastTime.wall.unixMilliseconds > passed + Self.clockStep
  }

  /// Ends an event: its effects in a fixed order (what must be kept first, then media, then messages), and when to
  /// come again.
  mutating func flush(into effects: inout [SwitchEffect]) {
    if waiting.last?.batch == journal.nextSequence { journal.hurry() }
    if let batch = journal.takeBatch() { effects.append(.journal(batch)) }
    output.relay.handOn { effects.append(.relay($0)) }
    output.wire.handOn { effects.append(.transmit($0)) }
    output.queries.handOn { query in effects.append(.resolve(query.0, query.1)) }
    if let sieve = output.sieve { effects.append(.sift(sieve)) }
    output.trusted.handOn { effects.append(.trust($0)) }
    if !output.acquainted.isEmpty { effects.append(.acquaint(output.acquainted)) }
    if let networks = output.asked { effects.append(.askForCertificates(networks)) }
    output.publications.handOn { effects.append(.publish($0)) }
    output.clear()
    let earliest = min(
      sip.deadline ?? .never, agenda.next ?? .never, bindings.deadline ?? .never)
    deadline = earliest < .never ? earliest : nil
  }

  // MARK: - Saying things

  mutating func write(_ changes: [BindingChange]) {
    for change in changes { journal.write(.binding(change)) }
  }

  /// Whether lines of this level are wanted: asked first where many calls would make their text.
  func logs(_ level: LogLine.Level) -> Bool { level >= configuration.logLevel }

  mutating func log(
    _ level: LogLine.Level, _ event: String, call: @autoclosure () -> Call? = nil,
    tenant: TenantID? = nil, _ facts: Alert.Fact...
  ) {
    guard logs(level) else { return }
    let call = call()
    output.publications.append(
      .log(
        LogLine(
          level, event, call: call?.id, tenant: tenant ?? call?.record.tenant, facts: facts)))
  }

  /// Writes an alert into the batch of this event.
  mutating func alert(
    _ kind: Alert.Kind, _ severity: Alert.Severity, tenant: TenantID?, key: String, at now: Now,
    _ facts: [Alert.Fact]
  ) {
    journal.write(
      .alert(Alert(kind, severity, tenant: tenant, at: now.wall, key: key, facts: facts)))
  }
}

/// The effects of the event that is being handled.
struct Output: Sendable {
  var wire: [Transmission] = []
  var relay: [RelayCommand] = []
  var queries: [(ResolutionID, NameQuery)] = []
  var publications: [Publication] = []
  var trusted: [FlowID] = []
  var acquainted: [IPNetwork] = []
  /// A new one, or none any more; nil: as it is.
  var sieve: Sieve??
  var asked: [IPNetwork]?

  /// Forgets what is not handed on one by one; what is empty is left alone.
  fileprivate mutating func clear() {
    if !acquainted.isEmpty { acquainted.removeAll() }
    if sieve != nil { sieve = nil }
    asked = nil
  }
}

extension Array {
  /// Gives all elements away in their order and keeps the memory.
  ///
  /// Most events have one effect or none: one is moved and not copied, and for none nothing is done.
  @inline(__always)
  fileprivate mutating func handOn(_ body: (consuming Element) -> Void) {
    if isEmpty { return }
    if count == 1 { return body(removeLast()) }
    for element in self { body(element) }
    removeAll(keepingCapacity: true)
  }
}

/// Something that must be looked at when its time has come.
enum Duty: Hashable, Sendable {
  case call(CallID)
  case trunk(TrunkID)
  /// Carriers will not answer some of the INVITEs that were given up any more.
  case lateAnswers
  /// A BYE that its carrier has not confirmed is sent again.
  case orphan(CallID)
  /// The server ends, whatever carriers have not confirmed.
  case leave
}

/// A leg that may go on when a batch is durable.
struct JournalWaiter: Sendable {
  let batch: UInt64
  let call: CallID
  let leg: Int
}

/// Whose transactions, dialogs and sessions they are.
struct Owners: Sendable {
  enum Client: Hashable, Sendable {
    case invite(CallID, leg: Int)
    /// A request in a dialog that belongs to the exchange of the call.
    case exchange(CallID)
    case bye(CallID, leg: Int)
    case prack(CallID, leg: Int)
    /// A request passed from leg to leg; the answer goes back to the server transaction.
    case passed(CallID, ServerTransactionID)
    case probe(TrunkID, TrunkHop)
    case register(TrunkID, TrunkHop)
    case orphan(CallID, bye: Int)
    /// The INVITE of a dead process that was cancelled.
    case takenBack(CallID, callID: [UInt8])
  }

  var clients: [ClientTransactionID: Client] = [:]
  /// Requests that wait for an answer of a carrier that may ask for credentials first.
  var challengeables: [ClientTransactionID: Challengeable] = [:]
  var invites: [ServerTransactionID: CallID] = [:]
  var dialogs: [DialogID: (call: CallID, leg: Int)] = [:]
  var sessions: [MediaSessionID: CallID] = [:]
  var resolutions: [ResolutionID: TrunkID] = [:]
}
