import Elements
import Testing

@testable import SIPSyntax

@Suite struct URITests {
  @Test("RFC 3261 §19.1.1: the parts of a full URI")
  func parts() throws {
    let uri = try URI(
      "sips:alice:secret@[2001:db8::10]:5070;transport=tls;lr?Subject=project%20x&priority=urgent")
    #expect(uri.scheme == .sips && uri.isSIP)
    #expect(uri.userText == "alice" && uri.hasPassword)
    #expect(uri.host == .address(try #require(IPAddress("2001:db8::10"))))
    #expect(uri.port == 5070)
    #expect(uri.parameter("Transport") == "tls")
    #expect(uri.hasParameter("lr") && uri.parameter("lr") == nil)
    #expect(uri.header("subject") == Array("project x".utf8))
    #expect(uri.headers.map(\.name) == ["Subject", "priority"])
    #expect(uri.asRequestURI.description == "sips:alice@[2001:db8::10]:5070;transport=tls;lr")
    #expect(uri.asRequestURI.parameter("transport") == "tls")
    #expect(uri.asRequestURI.host == uri.host)
  }

  @Test(
    "RFC 3261 §19.1.4: URIs that are equivalent",
    arguments: [
      ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
      ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
      ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
      (
        "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
        "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"
      ),
      (
        "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:alice@atlanta.com?priority=urgent&subject=project%20x"
      ),
      ("tel:+1-201-555-0123", "tel:+1(201)5550123"),
    ])
  func equivalent(_ left: String, _ right: String) throws {
    #expect(try URI(left).isEquivalent(to: URI(right)))
    #expect(try URI(right).isEquivalent(to: URI(left)))
  }

  @Test(
    "RFC 3261 §19.1.4: URIs that are not",
    arguments: [
      ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
      ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
      ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
      ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
      ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
      ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
      ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
      ("sip:alice@atlanta.com", "sips:alice@atlanta.com"),
      ("sip:a%3Bb@atlanta.com", "sip:a;b@atlanta.com"),
      ("sip:%00@atlanta.com", "sip:atlanta.com"),
    ])
  func different(_ left: String, _ right: String) throws {
    #expect(try !URI(left).isEquivalent(to: URI(right)))
    #expect(try !URI(right).isEquivalent(to: URI(left)))
  }

  @Test(
    "RFC 3261 §25.1: text that is no URI",
    arguments: [
      "", "sip:", "sip:@host", "sip:user@", "sip:host:", "sip:host:65536", "sip:user@ho st",
      "sip:a%4@host", "sip:a%zz@host", "sip:host;", "sip:host;=1", "sip:host?", "1sip:host", "sip",
      "sip:[2001:db8::1", "sip:[::g]", "sip:2001:db8::1", "tel:", "tel:abc xyz", "<sip:a@b>",
      "sip:a@b>", "other:", "sip:a\r\nb@host",
    ])
  func malformed(_ text: String) {
    #expect(throws: SyntaxError.self) { try URI(text) }
  }

  @Test("RFC 3261 §19.1.2: what is built can be parsed, whatever the user holds")
  func building() throws {
    let uri = URI(
      user: "müller@home;x\r\nBad: 1", host: .name("example.org"), port: 5071,
      parameters: [.init("line", "a b"), .init("lr")], headers: [.init("Replaces", "a;b=1")])
    let parsed = try URI(uri.description)
    #expect(parsed == uri && parsed.parts == uri.parts)
    #expect(parsed.userText == "müller@home;x\r\nBad: 1")
    #expect(parsed.parameter("line") == "a b" && parsed.port == 5071)
    #expect(parsed.header("replaces") == Array("a;b=1".utf8))
    #expect(!uri.bytes.contains(0x0D) && !uri.bytes.contains(0x20))
    let longer = uri.adding(header: .init("Reason", "SIP ;cause=302"))
    #expect(try URI(longer.description).header("Reason") == Array("SIP ;cause=302".utf8))
  }

  @Test("RFC 3966 §3, RFC 4694 §3: the number of a URI without separators and parameters")
  func telephoneNumbers() throws {
    #expect(try URI("tel:+49-30-(1234).5").telephoneNumber == "+493012345")
    #expect(try URI("tel:7042;phone-context=example.com").telephoneNumber == "7042")
    #expect(try URI("sip:+4930123;npdi@carrier.example;user=phone").telephoneNumber == "+4930123")
    #expect(try URI("sip:030-123@example.com").telephoneNumber == "030123")
    #expect(try URI("sip:anna-maria@example.com").telephoneNumber == "anna-maria")
    #expect(URI(telephone: "+4930123").description == "tel:+4930123")
  }

  @Test("RFC 3261 §10.3: an address of record has no parameters, and escapes do not make a new one")
  func addressOfRecord() throws {
    #expect(
      try URI("sip:%61lice@Example.COM:5080;transport=tcp").addressOfRecord == "alice@example.com")
    #expect(try URI("sip:a%40b@example.com").addressOfRecord == "a%40b@example.com")
    #expect(try URI("sip:a%00b@example.com").addressOfRecord == "a%00b@example.com")
    #expect(try URI("urn:service:sos").addressOfRecord == nil)
  }

  @Test("RFC 3261 §19.1: a URI of another scheme is kept as it is")
  func otherSchemes() throws {
    let uri = try URI("urn:service:sos.fire?x#y")
    #expect(uri.scheme == .other && uri.schemeText == "urn")
    #expect(uri.description == "urn:service:sos.fire?x#y")
    #expect(uri.host == nil && uri.user == nil && uri.parameters.isEmpty)
  }
}
