import Elements
import Net
import SDP
import SIP
import SIPSyntax

/// A telephone without a person: registers, calls, answers at once, speaks a tone and tells what it hears.
///
/// With a ``CarrierBook`` it is a carrier, which bills what it connects. SIP over UDP on 127.0.0.1, one
/// audio stream in A-law; lives on a lane of its own.
final class Softphone: LaneResident {
  private(set) var settings: PhoneSettings
  var core: SIPCore
  var dice = Dice.system
  private let socket: DatagramSocket
  private let inbox: DatagramInbox
  private let loop: LaneLoop
  private var resident = 0
  private var orders = OrderReader()
  /// Calls that are to be placed, the last one first.
  private var dialling: [(at: Instant, number: String)] = []
  var events: [SIPEvent] = []
  var effects: [Transmission] = []
  /// All calls, at their numbers; those that are over stay.
  var calls: [AgentCall] = []
  var registration: (id: ClientTransactionID, draft: RequestDraft, isAuthenticated: Bool)?
  var book: CarrierBook?

  private static let signallingToken: UInt64 = 1
  /// Added to a call's number: the token of its media socket.
  private static let mediaTokens: UInt64 = 16
  /// Calls of one agent over its life.
  private static let callLimit = 500
  private static let slots = 32
  private static let slotBytes = 4096

  init(_ settings: PhoneSettings, book: CarrierBook?, loop: LaneLoop) throws(NetError) {
    (self.settings, self.book, self.loop) = (settings, book, loop)
    var configuration = SIPConfiguration()
    configuration.methods = [.invite, .ack, .cancel, .bye, .options]
    configuration.software = "Martinet demo"
    core = SIPCore(configuration: configuration, dice: .system)
    do throws(SystemError) {
      socket = try DatagramSocket(bindingTo: Endpoint(.v4Loopback, 0), .init())
    } catch { throw .open(Endpoint(.v4Loopback, 0), errno: error.errno) }
    inbox = try DatagramInbox(slots: Self.slots, slotBytes: Self.slotBytes)
    resident = loop.add(self)
    try loop.watch(0, for: resident, token: OrderReader.token)
    try loop.watch(socket.descriptor, for: resident, token: Self.signallingToken)
    Agent.report(.ready(port: socket.local.port))
    if settings.registers { register(at: Clocks.now()) }
  }

  /// The way to the server.
  var hop: NextHop {
    NextHop(
      transport: .udp, remote: Endpoint(.v4Loopback, settings.server), local: socket.local)
  }

  // MARK: The lane

  var deadline: Instant? {
    var next = core.deadline ?? .never
    if let first = dialling.last { next = min(next, first.at) }
    for call in calls where !call.isOver { next = min(next, call.media.deadline) }
    return next == .never ? nil : next
  }

  func ready(_ token: UInt64, hasError: Bool, at now: Now) {
    switch token {
    case OrderReader.token: takeOrders(at: now)
    case Self.signallingToken: receive(at: now)
    case _: hear(Int(token - Self.mediaTokens))
    }
  }

  func turn(at now: Now) {
    while let next = dialling.last, next.at <= now.instant {
      dialling.removeLast()
      placeCall(to: next.number, at: now)
    }
    core.handleDeadline(at: now, events: &events, effects: &effects)
    settle(at: now)
    for call in calls where !call.isOver { call.media.turn(at: now.instant) }
  }

  private func takeOrders(at now: Now) {
    do {
      for order in try orders.read() { obey(order, at: now) }
    } catch { Agent.report(.failed("an order could not be read: \(error)")) }
  }

  private func obey(_ order: AgentOrder, at now: Now) {
    switch order {
    case .play: break  // What it is, it stays.
    case .meet(let server): settings.server = server
    case .call(let number, let times, let time):
      let later = (0..<times).map { index in
        (at: now.instant + .milliseconds(time * index / max(times, 1)), number: number)
      }
      dialling = later.reversed() + dialling
    case .hangUp:
      for index in calls.indices { hangUp(index, at: now) }
      settle(at: now)
    case .bill:
      if let book { Agent.report(.bill(book.bill(at: now.instant))) }
    }
  }

  private func receive(at now: Now) {
    for index in 0..<max(inbox.receive(from: socket.descriptor), 0)
    where !inbox.isTruncated(index) {
      let flow = Flow(transport: .udp, local: socket.local, remote: inbox.remote(index))
      core.receive(inbox.bytes(index), on: flow, at: now, events: &events, effects: &effects)
      settle(at: now)
    }
  }

  /// Does all that follows from what was received or ordered.
  func settle(at now: Now) {
    while !events.isEmpty {
      let batch = events
      events.removeAll()
      for event in batch { handle(event, at: now) }
    }
    for transmission in effects {
      // What the kernel does not take, SIP sends again.
      _ = transmission.bytes.withUnsafeBytes {
        socket.send($0, to: transmission.destination.remote)
      }
    }
    effects.removeAll()
  }

  // MARK: Media

  private func hear(_ number: Int) {
    guard calls.indices.contains(number), !calls[number].isOver else { return }
    for index in 0..<max(inbox.receive(from: calls[number].media.socket.descriptor), 0) {
      if let hertz = calls[number].media.hear(inbox.bytes(index)) {
        Agent.report(.heard(call: number, hertz: hertz))
      }
    }
  }

  /// A new call with a media port of its own; nil where there is no room for one.
  func newCall(with peer: String, isIncoming: Bool) -> Int? {
    let number = calls.count
    guard number < Self.callLimit,
      let media = try? MediaPort(hertz: settings.hertz, dice: &dice),
      (try? loop.watch(
        media.socket.descriptor, for: resident, token: Self.mediaTokens + UInt64(number))) != nil
    else {
      Agent.report(.failed("no room for another call"))
      return nil
    }
    calls.append(AgentCall(number: number, peer: peer, isIncoming: isIncoming, media: media))
    return number
  }

  /// The call has ended in whatever way: its port is not listened to any more.
  func close(_ call: Int, at now: Now) {
    loop.unwatch(calls[call].media.socket.descriptor)
    calls[call].isOver = true
    book?.ended(call, at: now.instant)
  }
}
