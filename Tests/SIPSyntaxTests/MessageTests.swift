import Elements
import Testing

@testable import SIPSyntax

@Suite struct MessageTests {
  static let invite = """
    INVITE sip:bob@biloxi.example.com SIP/2.0
    Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bK74bf9;rport
    Max-Forwards: 70
    From: "Alice \\"A\\"" <sip:alice@atlanta.example.com>;tag=9fxced76sl
    To: Bob <sip:bob@biloxi.example.com>
    Call-ID: 3848276298220188511@atlanta.example.com
    CSeq: 1 INVITE
    Contact: <sip:alice@192.0.2.9:5062;transport=udp>
    Supported: 100rel, timer
    k: replaces
    X-Vendor: something
    Content-Type: application/sdp
    Content-Length: 4

    v=0

    """

  static func bytes(_ text: String) -> [UInt8] {
    Array(text.replacing("\n", with: "\r\n").utf8)
  }

  @Test("RFC 3261 §7: what every message has is at hand without another parse")
  func hotFields() throws {
    let message = try MessageParser.parse(Self.bytes(Self.invite), framing: .datagram)
    #expect(message.isRequest && message.method == .invite)
    #expect(message.requestURI?.description == "sip:bob@biloxi.example.com")
    #expect(message.branch.map { message.text($0) } == "z9hG4bK74bf9")
    #expect(message.hasTransactionID)
    #expect(message.text(message.sentBy) == "192.0.2.9:5062")
    #expect(message.text(message.callID) == "3848276298220188511@atlanta.example.com")
    #expect(message.fromTag.map { message.text($0) } == "9fxced76sl")
    #expect(message.toTag == nil)
    #expect(message.cseq == CSeq(number: 1, method: .invite))
    #expect(message.maxForwards == 70)
    #expect(message.from.displayText == "Alice \"A\"")
    #expect(message.text(message.body) == "v=0\r")
    #expect(message.topVia.hasRPort && message.topVia.rport == nil)
    #expect(message.tokens(.supported).texts == ["100rel", "timer", "replaces"])
    #expect(message.first(named: "x-vendor").map { message.text($0) } == "something")
  }

  @Test("RFC 3581 §4: a response carries received and rport of the true source")
  func response() throws {
    let message = try MessageParser.parse(Self.bytes(Self.invite), framing: .datagram)
    let source = try #require(Endpoint("198.51.100.7:40000"))
    let bytes = MessageBuilder(
      responseTo: message, 180, source: source, toTag: Array("ours".utf8)
    ).finish()
    let response = try MessageParser.parse(bytes, framing: .stream)
    #expect(response.status == 180 && response.reasonPhrase == "Ringing")
    #expect(response.topVia.received == source.address)
    #expect(response.topVia.rport == 40000)
    #expect(response.topVia.branch == Array("z9hG4bK74bf9".utf8))
    #expect(response.toTag.map { response.text($0) } == "ours")
    #expect(response.cseq == message.cseq)
    #expect(response.method == .invite)
  }
}
