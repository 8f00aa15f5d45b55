import Elements
import Relay
import SIP
import Switch

// Packets between the switch and its peers, and what the checkers see of them.

extension World {
  /// A member of the cast sends a datagram to the switch.
  func send(_ bytes: [UInt8], from agent: Int) {
    let source = network.source(of: agent, agents[agent].endpoint, at: now.instant)
    for arrival in network.arrivals(on: agent, at: now.instant, dice: &dice) {
      schedule(.toSwitch(bytes, from: source, peer: agent), at: arrival)
    }
  }

  /// A datagram reaches the switch, or the place where it was.
  func arrive(_ bytes: [UInt8], from source: Endpoint, peer: Int) {
    trace.note("receive", at: now.instant, bytes: bytes, "from \(peer) \(Self.summary(bytes))")
    guard isUp else { return }
    if let carrier = agents[peer] as? Carrier, Wire.isAnswer(bytes),
      let leg = carrier.leg(of: bytes)
    {
      carrier.answerReached(leg)
    }
    let flow = Flow(transport: .udp, local: Town.switchEndpoint, remote: source)
    give(.received(bytes, flow))
  }

  /// A datagram leaves the switch.
  func leave(_ transmission: Transmission) {
    let (bytes, remote) = (transmission.bytes, transmission.destination.remote)
    trace.note("send", at: now.instant, bytes: bytes, "to \(remote) \(Self.summary(bytes))")
    guard transmission.destination.transport == .udp,
      let peer = network.peer(at: remote, at: now.instant)
    else { return }
    if let carrier = agents[peer] as? Carrier {
      if let sabotage, sabotage.swallows(bytes) { return }
      inspect(bytes, to: carrier)
    }
    for arrival in network.arrivals(on: peer, at: now.instant, dice: &dice) {
      schedule(.toAgent(peer, bytes), at: arrival)
    }
  }

  private func inspect(_ bytes: [UInt8], to carrier: Carrier) {
    if let number = Wire.invitedNumber(in: bytes) { checkGate(number, carrier) }
    if bytes.starts(with: "BYE ".utf8) || bytes.starts(with: "CANCEL ".utf8),
      let leg = carrier.leg(of: bytes)
    {
      carrier.stopAsked(leg)
    }
  }

  // MARK: - Media

  /// A member of the cast sends a packet of media to a port of the relay, which may pass it on.
  func sendMedia(_ packet: [UInt8], from agent: Int, call: Int, to port: Endpoint) {
    guard isUp, let socket = socketsByEndpoint[port],
      network.passes(on: agent, at: now.instant, dice: &dice)
    else { return }
    var buffer = packet + [UInt8](repeating: 0, count: 32)
    let source = agents[agent].mediaEndpoint(call)
    var all = buffer.mutableSpan
    // Any bytes make a packet: the relay may write what it likes.
    var span = unsafe all.mutableBytes
    let forward = relay.receive(
      &span, length: packet.count, on: socket, from: source, at: now.instant)
    guard let forward, let end = mediaEnds[forward.destination],
      network.passes(on: end.agent, at: now.instant, dice: &dice)
    else { return }
    trace.note("media", at: now.instant, bytes: packet, "\(agent) to \(end.agent)")
    agents[end.agent].calls[end.call].lastHeard = now.instant
    checkMedia(from: agent, call, to: end)
  }
}
