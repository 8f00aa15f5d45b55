import Elements
import TestKit
import Testing

@testable import SIPSyntax

@Suite struct MessageBuilderTests {
  private static let evil = "x\r\nInjected: yes\r\n\r\nBODY\u{0}\n\r"

  @Test("A19, RFC 3261 §25.1: no value can end its line, whichever way it comes in")
  func injection() throws {
    let evil = Self.evil
    let bytes = Array(evil.utf8)
    let uri = URI(user: evil, host: .name("example.com"), parameters: [.init(evil, evil)])
    var builder = MessageBuilder(request: .other(bytes), uri: uri)
    builder.add(.via, Via(transport: .udp, host: .address(.v4Loopback), port: 5060, branch: [0x7A]))
    builder.add(.from, NameAddress(displayName: evil, uri: uri, tag: bytes))
    builder.add(.to, NameAddress(displayName: evil, uri: uri))
    builder.add(.callID, bytes)
    builder.add(.subject, evil)
    builder.add(.userAgent, bytes[...])
    builder.add(.allow, tokens: [evil, evil])
    builder.add(.reason, Reason(protocolName: evil, cause: 1, text: evil))
    builder.add(.warning, list: [Warning(code: 399, agent: evil, text: evil)])
    builder.add(.event, EventType(evil, id: bytes))
    builder.add(.replaces, Replaces(callID: bytes, toTag: bytes, fromTag: bytes))
    builder.add(
      .contentDisposition, ParameterizedToken(evil, parameters: Parameters([(evil, evil)])))
    builder.add(.privacy, Privacy([.id]))
    var challenge = AuthenticationValue(scheme: evil)
    challenge.add(quoted: evil, bytes)
    challenge.add(evil, evil)
    builder.add(.wwwAuthenticate, challenge)
    builder.add(named: "X-Good", bytes)
    builder.add(named: "X-Evil\r\nInjected", bytes)
    let text = String(decoding: builder.finish(body: [1], contentType: evil), as: UTF8.self)
    let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(!lines.contains { $0.starts(with: "Injected".unicodeScalars) })
    #expect(lines.dropLast().allSatisfy { $0.last == "\r" })
    // Start line, 15 fields, Content-Type, Content-Length, the empty line and the body.
    #expect(lines.count == 1 + 15 + 2 + 1 + 1)
  }

  @Test("RFC 3261 §8.1.1: a request of ours is well-formed and complete")
  func request() throws {
    let uri = try URI("sip:bob@example.com")
    var builder = MessageBuilder(request: .invite, uri: uri)
    let via = Via(
      transport: .tls, host: .address(try #require(IPAddress("2001:db8::1"))), port: nil,
      branch: Via.magicCookie + Array("abc".utf8))
    builder.add(.via, via)
    builder.add(.maxForwards, number: 70)
    builder.add(.from, NameAddress(displayName: "A", uri: uri, tag: Array("1".utf8)))
    builder.add(.to, NameAddress(uri: uri))
    builder.add(.callID, "c1")
    builder.add(.cseq, CSeq(number: 4_294_967, method: .invite))
    builder.add(.supported, tokens: ["100rel", "timer"])
    builder.add(.require, tokens: [])
    let bytes = builder.finish(body: Array("v=0\r\n".utf8), contentType: "application/sdp")
    let message = try MessageParser.parse(bytes, framing: .stream)
    #expect(message.topVia == via && message.topVia.transport == .tls)
    #expect(message.topVia.hasRPort && message.topVia.hasTransactionID)
    #expect(message.cseq.number == 4_294_967 && message.maxForwards == 70)
    #expect(message.supported.texts == ["100rel", "timer"] && !message.has(.require))
    #expect(try message.contentType()?.name == "application/sdp")
    #expect(message.bodyBytes == Array("v=0\r\n".utf8))
  }

  @Test("RFC 3261 §18.2.1, RFC 3581 §4: the top Via of a response, with and without rport")
  func received() throws {
    let source = try #require(Endpoint("198.51.100.7:4000"))
    let cases = [
      ("192.0.2.9;branch=z9hG4bK1", "192.0.2.9;branch=z9hG4bK1;received=198.51.100.7"),
      ("198.51.100.7;branch=z9hG4bK1", "198.51.100.7;branch=z9hG4bK1"),
      (
        "198.51.100.7;rport;branch=z9hG4bK1",
        "198.51.100.7;branch=z9hG4bK1;received=198.51.100.7;rport=4000"
      ),
      (
        "h.example:5061;received=1.2.3.4;RPORT=1;branch=z9hG4bK1;x=\"y;z\" , SIP/2.0/TCP p",
        "h.example:5061;branch=z9hG4bK1;x=\"y;z\";received=198.51.100.7;rport=4000 , SIP/2.0/TCP p"
      ),
    ]
    for (sent, expected) in cases {
      let request = try MessageParser.parse(
        MessageTests.bytes(
          MessageTests.invite.replacing(
            "192.0.2.9:5062;branch=z9hG4bK74bf9;rport", with: "\(sent)\nv: SIP/2.0/UDP last")),
        framing: .datagram)
      let builder = MessageBuilder(responseTo: request, 200, source: source, toTag: nil)
      let response = try MessageParser.parse(builder.finish(), framing: .stream)
      #expect(
        response.lines(.via).map { response.text($0) }
          == ["SIP/2.0/UDP \(expected)", "SIP/2.0/UDP last"])
      #expect(response.toTag == nil)
    }
  }

  @Test("RFC 3261 §8.2.6.2: a To tag is added once, and a folded field becomes one line")
  func toTag() throws {
    let request = try MessageParser.parse(
      Fixtures.bytes("rfc4475/wsinv.dat"), framing: .datagram)
    let builder = MessageBuilder(responseTo: request, 481, source: nil, toTag: [0x61])
    let bytes = builder.finish()
    let response = try MessageParser.parse(bytes, framing: .stream)
    #expect(response.toTag.map { response.text($0) } == "1918181833n")
    #expect(try response.vias().count == 3)
    #expect(String(decoding: bytes, as: UTF8.self).split(separator: "\r\n").count == 8)
  }
}
