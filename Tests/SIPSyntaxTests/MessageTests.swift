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

  @Test(
    "The only Contact is at hand, and of several none",
    arguments: [
      ("<sip:a@192.0.2.1>;q=0.5", "sip:a@192.0.2.1"), ("*", nil),
      ("<sip:a@192.0.2.1>, <sip:b@192.0.2.1>", nil),
      ("<sip:a@192.0.2.1>\nm: <sip:b@192.0.2.1>", nil), ("*\nContact: sip:a@192.0.2.1", nil),
    ])
  func onlyContact(value: String, uri: String?) throws {
    let text = Self.invite.replacing(
      "<sip:alice@192.0.2.9:5062;transport=udp>", with: value)
    let message = try MessageParser.parse(Self.bytes(text), framing: .datagram)
    #expect(message.contactURI?.description == uri)
    guard uri != nil else { return }
    let only = try NameAddress(parsing: Array(value.utf8).span)
    #expect(try message.contacts() == .contacts([only]))
  }

  @Test(
    "A Contact that could be a Request-URI and is alone is read where it stands",
    arguments: [
      ("<sip:a@192.0.2.1>", true), ("sip:a@192.0.2.1", true), ("<sips:a@192.0.2.1;lr>", true),
      ("<sip:a@192.0.2.1>;q=0.5", false), ("sip:a@192.0.2.1;expires=60", false),
      ("<sip:a:secret@192.0.2.1>", false), ("<sip:a@192.0.2.1?Subject=x>", false),
      ("<tel:+442079460123>", false), ("*", false),
      ("<sip:a@192.0.2.1>, <sip:b@192.0.2.1>", false),
    ])
  func plainContact(value: String, isPlain: Bool) throws {
    let text = Self.invite.replacing(
      "<sip:alice@192.0.2.9:5062;transport=udp>", with: value)
    let message = try MessageParser.parse(Self.bytes(text), framing: .datagram)
    let uri = value.trimmingPrefix("<").prefix { $0 != ">" }
    #expect(message.plainContact.map { message.text($0) } == (isPlain ? String(uri) : nil))
  }

  @Test("The user of To is read with its escapes resolved")
  func userOfTo() throws {
    for (uri, user) in [("sip:bob@a", "bob"), ("sip:b%6Fb@a", "bob"), ("sip:a", nil)] {
      let text = """
        OPTIONS sip:a SIP/2.0
        v:SIP/2.0/UDP h
        f:sip:b
        t:\(uri)
        i:c
        CSeq:1 OPTIONS


        """
      let message = try MessageParser.parse(Self.bytes(text), framing: .datagram)
      #expect(message.withToUser { $0.copy(ByteRange(0, $0.count)) } == user.map { Array($0.utf8) })
    }
  }

  @Test("An answer has room for all that it writes out and adds")
  func longAnswer() throws {
    let via = (0..<60).map { "v:SIP/2.0/UDP h\($0)" }.joined(separator: "\n")
    let text = """
      OPTIONS sip:a SIP/2.0
      \(via)
      f:sip:b
      t:sip:a
      i:c
      CSeq:1 OPTIONS


      """
    let message = try MessageParser.parse(Self.bytes(text), framing: .datagram)
    let source = try #require(Endpoint("[2001:db8:1111:2222:3333:4444:5555:6666]:65535"))
    let tag = Array(String(repeating: "x", count: 300).utf8)
    let bytes = MessageBuilder(responseTo: message, 200, source: source, toTag: tag).finish()
    let response = try MessageParser.parse(bytes, framing: .stream)
    #expect(try response.vias().count == 60 && response.topVia.received == source.address)
    #expect(response.toTag.map { response.text($0).utf8.count } == 300)
  }

  @Test("The answer to a broken request has room for a tag in each of its To")
  func manyTo() {
    let text = """
      OPTIONS sip:a SIP/2.0
      v:SIP/2.0/UDP h
      f:sip:b
      \((0..<80).map { "t:sip:\($0)" }.joined(separator: "\n"))
      i:c
      CSeq:1 OPTIONS


      """
    let error = #expect(throws: MessageError.self) {
      try MessageParser.parse(Self.bytes(text), framing: .datagram)
    }
    guard case .rejected(let request) = error else {
      Issue.record("not answered")
      return
    }
    let tag = Array(String(repeating: "x", count: 30).utf8)
    let bytes = MessageBuilder(responseTo: request, source: nil, toTag: tag).finish()
    let tags = String(decoding: bytes, as: UTF8.self).split(separator: ";tag=").count - 1
    #expect(tags == 80)
  }
}
