import Elements
import SIP

/// A STUN Binding request on the signalling port (RFC 5626 §4.4.2).
struct KeepAliveSubject: Subject {
  static let name = "stun"
  static let mostBytes = 2048

  private let template = SIPCore(dice: .seeded(SplitMix(seed: 5)))
  private let now = Now(
    instant: .start + .seconds(1), wall: WallTime(unixMilliseconds: 1_790_000_000_000))

  func work(_ input: [UInt8]) -> [SIPEvent] {
    var core = template
    var events: [SIPEvent] = []
    var effects: [Transmission] = []
    let flow = Flow(
      transport: .udp, local: Endpoint(.v6Loopback, 5060), remote: Endpoint(.v6Loopback, 5062))
    core.receive(input, on: flow, at: now, events: &events, effects: &effects)
    return events
  }

  func check(_ outcome: [SIPEvent], of input: [UInt8]) {
    require(outcome.count <= 1, "one datagram, one event")
    guard case .keepAlive(let flow, let binding?) = outcome.first else { return }
    require(input.count >= 20 && input[0] == 0 && input[1] == 1, "a Binding request")
    for remote in [flow.remote, Endpoint(IPAddress("198.51.100.7") ?? .v4Any, 40_000)] {
      let answer = binding.answer(to: remote)
      require(answer.count == (remote.address.isV4 ? 32 : 44), "header and one attribute")
      require(answer.prefix(2) == [1, 1], "a success")
      require(Int(answer[2]) << 8 | Int(answer[3]) == answer.count - 20, "the length is right")
      require(answer[4..<20] == input[4..<20], "cookie and transaction are those of the request")
      let port = (UInt16(answer[26]) << 8 | UInt16(answer[27])) ^ 0x2112
      require(port == remote.port, "the port is the peer's")
    }
  }
}
