import Elements
import Guard
import Relay
import SIP
import Switch
import Synchronization

/// Drives the switch: gives it one event after the other and does everything it asks for before the
/// next (design: sans-IO contract).
///
/// Lives on one thread.
final class SignallingLane: LaneResident {
  /// Where the relay is.
  enum RelayDoor {
    case here(MediaLane)
    case away([Mailbox<RelayCommand>])
  }

  var core: SwitchCore
  let ports: [DatagramPort]
  let relay: RelayDoor
  let streams: StreamService
  let resolver: NameResolver
  let mail: SignallingMail
  let doors: LaneDoors

  /// Both are empty between two events.
  var effects: [SwitchEffect] = []
  /// What happened while effects were done: the next events, in order.
  var consequences: [SwitchEvent] = []
  var transmissions: [Transmission] = []
  var publications: [Publication] = []
  /// Connections on which somebody has proven himself.
  var trusted: [FlowID] = []
  /// Commands that a media lane's mailbox had no room for; in order, tried again.
  var unsent: [(lane: Int, command: RelayCommand)] = []
  var lastSequence: UInt64
  var counters = LaneCounters()

  /// When to look at what the kernel dropped; while it sifts, the lane comes back for it.
  var lookAt: Instant?
  var isSifting = false
  /// What the kernel has dropped since the start.
  var unheard = ByFamily<UInt64>(both: 0)
  var refusals = SieveRefusals()

  private let published: SharedCounters
  private let inbox: DatagramInbox
  private var retryAt: Instant?
  private var streamInputs: [StreamInput] = []
  private var relayEvents: [RelayEvent] = []
  private var questions: [SignallingMail.Question] = []
  private var answers: [SignallingMail.Answer] = []

  private static let slots = 64
  private static let slotBytes = 65_536
  /// Batches of one socket before the others get their turn.
  private static let batchesAtOnce = 4
  private static let retryAfter = Duration.milliseconds(1)
  /// Timers that are due within this time fire together: a thousand transactions that end in one
  /// second do not wake the lane a thousand times.
  ///
  /// SIP's shortest timer is twenty times as long.
  private static let timerGrain = Duration.milliseconds(10)

  init(
    core: SwitchCore, lastSequence: UInt64, ports: [DatagramPort], relay: RelayDoor,
    streams: StreamService, resolver: NameResolver, mail: SignallingMail, doors: LaneDoors,
    counters: SharedCounters, loop: LaneLoop
  ) throws(NetError) {
    (self.core, self.lastSequence) = (core, lastSequence)
    (self.ports, self.relay) = (ports, relay)
    (self.streams, self.resolver, self.mail, self.doors) = (streams, resolver, mail, doors)
    published = counters
    inbox = try DatagramInbox(slots: Self.slots, slotBytes: Self.slotBytes)
    let resident = loop.add(self)
    for (index, port) in ports.enumerated() {
      try loop.watch(port.socket.descriptor, for: resident, token: UInt64(index))
    }
  }

  var deadline: Instant? {
    var earliest = coreDeadline ?? .never
    if let retryAt { earliest = min(earliest, retryAt) }
    if isSifting, let lookAt { earliest = min(earliest, lookAt) }
    return earliest < .never ? earliest : nil
  }

  private var coreDeadline: Instant? { core.deadline?.roundedUp(to: Self.timerGrain) }

  // MARK: Events

  /// Ends the replay of the journal, before anything else happens.
  func recover(at now: Now) {
    core.recover(at: now, into: &effects)
    settle(at: now)
    flush(at: now)
  }

  func ready(_ token: UInt64, hasError: Bool, at now: Now) {
    // Packets do not wait for messages.
    if case .here(let lane) = relay { lane.sendOutgoing() }
    let port = ports[Int(token)]
    if hasError {
      port.takeErrors { consequences.append(.unreachable(quote: $0, $1)) }
      settle(at: now)
    }
    for _ in 0..<Self.batchesAtOnce {
      let count = inbox.receive(from: port.socket.descriptor)
      for index in 0..<max(count, 0) { receive(index, on: port, at: now) }
      guard count == Self.slots else { return }
    }
  }

  private func receive(_ index: Int, on port: DatagramPort, at now: Now) {
    counters.datagramsReceived += 1
    guard !inbox.isTruncated(index) else {
      counters.datagramsTruncated += 1
      return
    }
    let remote = inbox.remote(index)
    // Nothing can be answered to port 0, and nothing good comes from it.
    guard remote.port != 0 else { return }
    let flow = Flow(
      transport: .udp, local: Endpoint(inbox.localAddress(index), port.local.port), remote: remote)
    // Asked before anything is copied: in a flood nearly all stop here.
    guard core.admits(flow, at: now) else { return }
    handle(.admitted(inbox.bytes(index), flow), at: now)
  }

  /// Gives the switch one event and does all that follows from it.
  func handle(_ event: SwitchEvent, at now: Now) {
    core.handle(event, at: now, into: &effects)
    settle(at: now)
  }

  func takeMail(at now: Now) {
    takeJournal(at: now)
    mail.relay.drain(into: &relayEvents)
    for event in relayEvents { handle(.relay(event), at: now) }
    takeAnswers(at: now)
    takeStreams(at: now)
    takeCommands(at: now)
  }

  func turn(at now: Now) {
    counters.turns &+= 1
    if case .here(let lane) = relay {
      lane.takeEvents { consequences.append(.relay($0)) }
      settle(at: now)
    }
    if let deadline = coreDeadline, deadline <= now.instant { handle(.deadline, at: now) }
    if lookAt.map({ $0 <= now.instant }) ?? true { lookAround(at: now) }
    flush(at: now)
  }

  private func takeJournal(at now: Now) {
    let word = mail.takeJournal()
    if let sequence = word.durableThrough { handle(.journaled(through: sequence), at: now) }
    if let failure = word.failure { handle(.journalFailed(failure), at: now) }
    if word.wantsCheckpoint { doors.journal.checkpoint(at: lastSequence, core.checkpoint()) }
  }

  private func takeAnswers(at now: Now) {
    mail.answers.drain(into: &answers)
    for answer in answers { handle(.resolved(answer.resolution, answer.hops), at: now) }
  }

  private func takeStreams(at now: Now) {
    mail.streams.drain(into: &streamInputs)
    guard !streamInputs.isEmpty else { return }
    for input in streamInputs {
      switch input {
      case .message(let bytes, let flow):
        counters.streamMessages += 1
        handle(.received(bytes, flow), at: now)
      case .closed(let connection): handle(.flowClosed(connection), at: now)
      case .proven(let connection, let names): handle(.proven(connection, names), at: now)
      case .unproven(let remote, let reason): handle(.unproven(remote, reason), at: now)
      case .failed(let attempt, let reason): handle(.transmitFailed(attempt, reason), at: now)
      }
    }
    streams.resumeReading()
  }

  private func takeCommands(at now: Now) {
    mail.commands.drain(into: &questions)
    for question in questions { handle(.command(question.token, question.command), at: now) }
  }

  // MARK: Leaving

  /// Sends what the turn has collected.
  private func flush(at now: Now) {
    retryAt = nil
    var waits = sendDatagrams()
    if !consequences.isEmpty {
      settle(at: now)
      waits = sendDatagrams() || waits
    }
    if !unsent.isEmpty { sendUnsentCommands() }
    if waits || !unsent.isEmpty || !consequences.isEmpty {
      retryAt = now.instant + Self.retryAfter
    }
    if !transmissions.isEmpty {
      streams.send(transmissions)
      transmissions.removeAll(keepingCapacity: true)
    }
    if !trusted.isEmpty {
      streams.trust(trusted)
      trusted.removeAll(keepingCapacity: true)
    }
    if !publications.isEmpty {
      doors.publish(publications)
      publications.removeAll(keepingCapacity: true)
    }
    published.store(counters)
  }

  private func sendDatagrams() -> Bool {
    var waits = false
    for port in ports {
      waits =
        port.flush { attempt, reason in
          counters.datagramsUnsent += 1
          consequences.append(.transmitFailed(attempt, reason))
        } || waits
    }
    return waits
  }
}
