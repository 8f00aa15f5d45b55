package import Elements
import Glibc
package import Relay

/// Drives one relay core: binds and closes its sockets, moves packets in place.
///
/// Lives on a thread of its own, or beside the signalling lane on the same one.
package final class MediaLane: LaneResident {
  /// A socket of the relay; the generation tells it from an earlier one with the same index.
  private struct Socket {
    let id: SocketID
    let datagrams: DatagramSocket
  }

  private var core: RelayCore
  private let loop: LaneLoop
  private var resident = 0
  private var sockets: [Socket?] = []
  private let inbox: DatagramInbox
  /// What the core lets pass, each in the inbox's slot of its index.
  ///
  /// It leaves behind what else was ready, or before something else than packets is done, so that who receives it is woken once for
  /// many: that costs more than the rest of the way.
  private var outgoing: [Forward] = []
  private var effects: [RelayEffect] = []
  /// Answers to binds, given to the core when the effects around them are done.
  private var bindings: [(id: SocketID, failure: String?)] = []
  /// What the core had to tell and nobody has taken yet.
  private var events: [RelayEvent] = []
  private var packetsForwarded: UInt64 = 0
  private let meter: PacketMeter

  /// An Ethernet jumbo frame's share that RTP ever uses, and room for an SRTP trailer.
  private static let slotBytes = 4_160
  /// Most that leaves together: a packet waits for the others by a few dozen microseconds.
  private static let togetherAtMost = 64
  private static let indexBits: UInt64 = 24

  package init(
    _ configuration: RelayConfiguration, loop: LaneLoop, meter: PacketMeter
  ) throws(NetError) {
    core = RelayCore(configuration: configuration, dice: .system)
    (self.loop, self.meter) = (loop, meter)
    inbox = try DatagramInbox(slots: Self.togetherAtMost, slotBytes: Self.slotBytes)
    resident = loop.add(self)
  }

  package var deadline: Instant? { core.deadline }

  /// Does one command and everything that follows from it.
  package func handle(_ command: RelayCommand, at now: Now) {
    sendOutgoing()
    core.handle(command, at: now.instant, into: &effects)
    drain(at: now)
  }

  /// Hands over what the core told, in order.
  package func takeEvents(_ take: (RelayEvent) -> Void) {
    guard !events.isEmpty else { return }
    for event in events { take(event) }
    events.removeAll(keepingCapacity: true)
  }

  package func turn(at now: Now) {
    sendOutgoing()
    meter.store(packetsForwarded)
    while let deadline = core.deadline, deadline <= now.instant {
      core.handleDeadline(at: now.instant, into: &effects)
      guard !effects.isEmpty else { return }  // Whatever is left is due again in the next turn.
      drain(at: now)
    }
  }

  package func ready(_ token: UInt64, hasError: Bool, at now: Now) {
    let index = Int(token & (1 << Self.indexBits - 1))
    guard index < sockets.count, let socket = sockets[index],
      UInt64(socket.id.generation) == token >> Self.indexBits
    else { return }  // Closed earlier in this turn.
    // What is left is told again: no leg can keep the others waiting. One packet is what normally waits.
    let slot = outgoing.count
    guard inbox.receive(slot, from: socket.datagrams.descriptor), !inbox.isTruncated(slot) else {
      return
    }
    var span = inbox.slot(slot, bytes: Self.slotBytes).mutableBytes
    let forward = core.receive(
      &span, length: inbox.count(slot), on: socket.id, from: inbox.remote(slot), at: now.instant)
    guard let forward else { return }
    outgoing.append(forward)
    if outgoing.count == inbox.slots { sendOutgoing() }
  }

  /// Before something that takes longer than a packet.
  package func takeMail(at now: Now) { sendOutgoing() }

  /// Sends what waits for others.
  func sendOutgoing() {
    guard !outgoing.isEmpty else { return }
    for (slot, forward) in outgoing.enumerated() {
      let bytes = inbox.slot(slot, bytes: forward.length)
      let out = descriptor(of: forward.socket)
      if out?.send(UnsafeRawBufferPointer(bytes), to: forward.destination) == 0 {
        packetsForwarded += 1
      }
    }
    outgoing.removeAll(keepingCapacity: true)
  }

  private func descriptor(of id: SocketID) -> DatagramSocket? {
    guard Int(id.index) < sockets.count, let socket = sockets[Int(id.index)], socket.id == id else {
      return nil
    }
    return socket.datagrams
  }

  // MARK: What the core asks for

  /// Does every effect, then those that follow from answering the binds among them.
  private func drain(at now: Now) {
    performEffects()
    var next = 0
    while next < bindings.count {
      let (id, failure) = bindings[next]
      next += 1
      if let failure {
        core.bindFailed(id, reason: failure, at: now.instant, into: &effects)
      } else {
        core.bound(id, at: now.instant, into: &effects)
      }
      performEffects()
    }
    bindings.removeAll(keepingCapacity: true)
  }

  private func performEffects() {
    for index in effects.indices { perform(effects[index]) }
    effects.removeAll(keepingCapacity: true)
  }

  private func perform(_ effect: RelayEffect) {
    switch effect {
    case .bind(let id, let endpoint):
      bindings.append((id, bind(id, to: endpoint)))
    case .close(let id):
      guard descriptor(of: id) != nil else { return }
      // Closing ends the watch, too.
      sockets[Int(id.index)] = nil
    case .narrow(let id, let source):
      descriptor(of: id)?.connect(to: source)
    case .transmit(let id, let remote, let bytes):
      guard let socket = descriptor(of: id) else { return }
      _ = bytes.withUnsafeBytes { socket.send($0, to: remote) }
    case .tell(let event):
      events.append(event)
    }
  }

  /// Returns why the socket cannot be had, or nil.
  private func bind(_ id: SocketID, to endpoint: Endpoint) -> String? {
    guard id.index < 1 << Self.indexBits else { return "too many sockets" }
    do {
      let socket = try DatagramSocket(bindingTo: endpoint, .media)
      try loop.watch(
        socket.descriptor, for: resident,
        token: UInt64(id.generation) << Self.indexBits | UInt64(id.index))
      while sockets.count <= Int(id.index) { sockets.append(nil) }
      sockets[Int(id.index)] = Socket(id: id, datagrams: socket)
      return nil
    } catch let error as SystemError {
      return String(cString: strerror(error.errno))
    } catch {
      return "\(error)"
    }
  }
}
