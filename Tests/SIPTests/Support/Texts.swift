import Elements
import SIPSyntax
import TestKit

@testable import SIP

/// A moment of both clocks, in milliseconds after the start.
func now(_ milliseconds: Int64) -> Now {
  Now(instant: ms(milliseconds), wall: WallTime(unixMilliseconds: 1_790_000_000_000 + milliseconds))
}

/// A moment of the monotonic clock, in milliseconds after the start.
func ms(_ milliseconds: Int64) -> Instant { .start + .milliseconds(milliseconds) }

/// The bytes of a message that is written with line breaks of the source text.
///
/// Content-Length is added, unless the text has one; `body` goes behind the empty line.
func wire(_ text: String, body: String = "") -> [UInt8] {
  var head = text.split(separator: "\n").joined(separator: "\r\n") + "\r\n"
  if !text.contains("Content-Length") { head += "Content-Length: \(body.utf8.count)\r\n" }
  return Array((head + "\r\n" + body).utf8)
}

/// A message that must be well-formed.
func message(_ text: String, body: String = "") throws -> Message {
  try MessageParser.parse(wire(text, body: body), framing: .datagram)
}

/// A transmission as a message.
func parse(_ transmission: Transmission) throws -> Message {
  try MessageParser.parse(transmission.bytes, framing: .datagram)
}

func endpoint(_ text: String) -> Endpoint { Endpoint(text) ?? Endpoint(.v4Any, 0) }

extension Flow {
  /// A datagram flow between our address and a peer's.
  static func udp(_ local: String, _ remote: String) -> Flow {
    Flow(transport: .udp, local: endpoint(local), remote: endpoint(remote))
  }

  static func tcp(_ local: String, _ remote: String, _ connection: UInt64) -> Flow {
    Flow(
      transport: .tcp, local: endpoint(local), remote: endpoint(remote),
      connection: FlowID(connection))
  }
}

extension Message {
  /// The value of the first field of that name as text, for comparing.
  func field(_ name: HeaderName) -> String? { first(name).map { text($0) } }

  var statusNumber: Int { Int(status?.number ?? 0) }
}
