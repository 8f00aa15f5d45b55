import Elements
import Relay
import SIP
import Switch

/// The switch and the relay with a disk that is done at once, sockets that are there at once, and
/// virtual time.
///
/// What the switch does for an event is in ``handle(_:)``, what the relay does for a command in
/// ``carry(_:)``, so that a profiler can be told to count one alone.
struct Counter: ~Copyable {
  static let server = Endpoint(IPAddress("192.0.2.1") ?? .v4Any, 5060)
  static let phone = Endpoint(IPAddress("198.51.100.7") ?? .v4Any, 5060)
  static let carrier = Endpoint(IPAddress("192.0.2.50") ?? .v4Any, 5060)

  private var core: SwitchCore
  private var effects: [SwitchEffect] = []
  private var events: [SwitchEvent] = []
  private var relay = RelayCore(
    configuration: RelayConfiguration(), dice: .seeded(SplitMix(seed: 11)))
  private var relayEffects: [RelayEffect] = []
  private(set) var now = Now(
    instant: .start + .seconds(1), wall: WallTime(unixMilliseconds: 1_790_000_000_000))
  /// Set when what the switch does is to be counted.
  var isCounting = false
  /// Bytes that the journal would have got.
  private(set) var journalBytes = 0
  /// What left since ``take()``.
  private var sent: [Transmission] = []

  init(_ rulebook: Rulebook) {
    var settings = SwitchConfiguration(nonceSecret: Secret("sixteen bytes or more"))
    settings.logLevel = .warning
    core = SwitchCore(configuration: settings, dice: .seeded(SplitMix(seed: 7)))
    feed(.command(CommandToken(1), .adopt(rulebook)))
  }

  /// Gives the switch a datagram and everything that follows from it; then some time passes.
  mutating func receive(_ text: [UInt8], from remote: Endpoint) -> [Transmission] {
    feed(.received(text, Flow(transport: .udp, local: Self.server, remote: remote)))
    now = Now(instant: now.instant + .microseconds(250), wall: now.wall)
    if let deadline = core.deadline, deadline <= now.instant { feed(.deadline) }
    defer { sent.removeAll(keepingCapacity: true) }
    return sent
  }

  mutating func pass(_ duration: Duration) {
    now = Now(instant: now.instant + duration, wall: now.wall + duration)
    feed(.deadline)
  }

  private mutating func feed(_ event: SwitchEvent) {
    events.append(event)
    var next = 0
    while next < events.count {
      if isCounting { handle(events[next]) } else { take(events[next]) }
      next += 1
      for effect in effects { follow(effect) }
      effects.removeAll(keepingCapacity: true)
    }
    events.removeAll(keepingCapacity: true)
  }

  /// Everything that the signalling lane computes for one event, the journal's encoding included.
  @inline(never)
  private mutating func handle(_ event: SwitchEvent) { take(event) }

  private mutating func take(_ event: SwitchEvent) {
    core.handle(event, at: now, into: &effects)
    for effect in effects {
      guard case .journal(let batch) = effect else { continue }
      var writer = ByteWriter(capacity: batch.room)
      batch.encode(into: &writer)
      journalBytes += writer.bytes.count
    }
  }

  private mutating func follow(_ effect: SwitchEffect) {
    switch effect {
    case .transmit(let transmission): sent.append(transmission)
    case .journal(let batch): events.append(.journaled(through: batch.sequence))
    case .relay(let command): carry(command)
    case .resolve(let question, _):
      let hop = NextHop(transport: .udp, remote: Self.carrier, local: Self.server)
      events.append(.resolved(question, [hop]))
    case .publish, .trust, .acquaint, .sift, .askForCertificates: break
    }
  }

  /// Everything that the media lane computes for one command; its sockets are there at once.
  @inline(never)
  private mutating func carry(_ command: RelayCommand) {
    relay.handle(command, at: now.instant, into: &relayEffects)
    var next = 0
    while next < relayEffects.count {
      switch relayEffects[next] {
      case .bind(let socket, _): relay.bound(socket, at: now.instant, into: &relayEffects)
      case .tell(let event): events.append(.relay(event))
      case .close, .narrow, .transmit: break
      }
      next += 1
    }
    relayEffects.removeAll(keepingCapacity: true)
  }
}
