import Elements
import SIP
import Switch

/// The whole switch between two registered phones, a carrier and a stranger, all of whom may say anything.
///
/// Turns are separated by the byte 0x1E and begin with a letter for who says what:
///
/// - `s`, `p`, `q`, `c`: the stranger, a phone, another phone or the carrier sends a datagram as it stands;
/// - `P`, `Q`: a phone sends one with its digest;
/// - `A`, `C`: the other phone or the carrier answers the last request it got: what stands behind `SIP/2.0`, to which
///   Via, From, To, Call-ID and CSeq are added;
/// - `D`, `E`: the calling or the called phone sends a request in the last dialog: method, then header fields and body;
/// - `t`: time passes, a quarter of a second for each unit of the byte.
struct SwitchSubject: Subject {
  static let name = "switch"
  static let mostBytes = 16_384
  /// Turns of one input.
  private static let mostTurns = 24

  private let town: Exchange

  init() throws {
    town = try Exchange.withPhones()
  }

  func work(_ input: [UInt8]) -> Exchange {
    var exchange = town
    for turn in input.split(separator: 0x1E, maxSplits: Self.mostTurns).prefix(Self.mostTurns) {
      exchange.take(turn)
    }
    return exchange
  }

  func check(_ outcome: Exchange, of input: [UInt8]) {
    var exchange = outcome
    let turns = input.split(separator: 0x1E, maxSplits: Self.mostTurns).prefix(Self.mostTurns)
    if turns.allSatisfy({ $0.first == UInt8(ascii: "s") }) {
      let load = exchange.core.load
      require(load.calls == 0 && load.sip.dialogs == 0, "a stranger leaves nothing: \(load)")
      require(
        load.openHolds == 0 && exchange.relayCommands == 0, "a stranger gets no money, no port")
      require(
        exchange.heard(by: .stranger).count <= turns.count, "one datagram, one answer at most")
    }
    exchange.checkSent()
    exchange.rest()
    require(exchange.core.load.isAtRest, "at rest nothing is left: \(exchange.core.load)")
  }
}
