import Elements
import TestKit
import Testing

@testable import SIPSyntax

/// What must be true of the torture messages that are taken, as far as a parser can show it.
@Suite struct TortureFactTests {
  private func parse(_ path: String) throws -> Message {
    try MessageParser.parse(Fixtures.bytes("\(path).dat"), framing: .datagram)
  }

  @Test("RFC 4475 §3.1.1.1: a short tortuous INVITE, folds everywhere")
  func wsinv() throws {
    let message = try parse("rfc4475/wsinv")
    #expect(try message.vias().map(\.transport) == [.udp, .tcp, .udp])
    #expect(
      try message.vias().map { $0.branch.map { String(decoding: $0, as: UTF8.self) } }
        == ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"])
    #expect(!message.hasTransactionID)
    #expect(message.cseq == CSeq(number: 9, method: .invite) && message.maxForwards == 68)
    let unknown = message.first(named: "UnknownHeaderWithUnusualValue")
    #expect(unknown.map { message.text($0) } == ";;,,;;,;")
    #expect(message.toTag.map { message.text($0) } == "1918181833n")
    #expect(message.from.displayText == "J Rosenberg \\\"")
    #expect(try message.routes().first?.uri.hasParameter("unknown-no-value") == true)
    guard case .contacts(let contacts) = try message.contacts() else {
      Issue.record("no contacts")
      return
    }
    #expect(contacts[0].displayText == "Quoted string \"\"")
    #expect(contacts[0].preference == 330 && contacts[0].parameters.text("newparam") == "newvalue")
    #expect(message.body.count == 150)
  }

  @Test("RFC 4475 §3.1.1.2: a wide range of characters, kept as they are")
  func intmeth() throws {
    let message = try parse("rfc4475/intmeth")
    #expect(message.method == Method("!interesting-Method0123456789_*+`.%indeed'~"))
    #expect(!message.method.isKnown && message.maxForwards == 255)
    #expect(message.to.displayName == Array("BEL:\u{7} NUL:\u{0} DEL:\u{7F}".utf8))
    #expect(message.from.displayText == "token1~` token2'+_ token3*%!.-")
    #expect(message.from.parameters.all.first?.value == Array("работающий".utf8))
    #expect(message.text(message.callID) == "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{")
    #expect(message.requestURI?.hasPassword == true)
    let name = "extensionHeader-!.%*+_`'~"
    #expect(message.first(named: name).map { message.text($0) }?.hasSuffix("大停電") == true)
  }

  @Test("RFC 4475 §3.1.1.3 and §3.1.1.5: an escape is resolved once, and only where it is one")
  func escapes() throws {
    let message = try parse("rfc4475/esc01")
    #expect(message.requestURI?.userText == "sips:user@example.com")
    #expect(message.requestURI?.scheme == .sip)
    #expect(message.toURI.userText == "user")
    let contact = try #require(try message.addresses(.contact).first)
    #expect(contact.uri.userText == "caller" && contact.uri.hasParameter("lr"))
    #expect(contact.uri.parameter("name") == "value%41")
    let other = try parse("rfc4475/esc02")
    #expect(other.method == Method("RE%47IST%45R") && other.method != .register)
    #expect(other.to.displayText == "%Z%45")
    #expect(try other.addresses(.contact).count == 2)
    #expect(other.first(named: "C%6Fntact") != nil)
  }

  @Test("RFC 4475 §3.1.1.4: an escaped zero does not end anything")
  func escapedNull() throws {
    let message = try parse("rfc4475/escnull")
    #expect(message.toURI.user == Array("null-\u{0}-null".utf8))
    #expect(message.toURI.addressOfRecord == "null-%00-null@example.com")
    let contacts = try message.addresses(.contact)
    #expect(contacts.map(\.uri.user) == [[0], [0, 0]])
    #expect(!contacts[0].uri.isEquivalent(to: contacts[1].uri))
  }

  @Test(
    "RFC 4475 §3.1.1.6 to §3.1.1.10: names without a gap, long values, trailing bytes, transports")
  func oddForms() throws {
    #expect(try parse("rfc4475/lwsdisp").from.displayText == "caller")
    let long = try parse("rfc4475/longreq")
    #expect(try long.vias().count == 34 && long.topVia.port == nil)
    let double = try parse("rfc4475/dblreq")
    #expect(double.method == .register && double.body.isEmpty)
    #expect(double.endOffset < double.bytes.count)
    #expect(!double.headers.fields.contains { $0.line.upper > double.body.lower })
    let user = try parse("rfc4475/semiuri").requestURI
    #expect(user?.userText == "user;par=u@example.net")
    #expect(user?.host == .name("example.com") && user?.parameters.isEmpty == true)
    #expect(
      try parse("rfc4475/transports").vias().map(\.transport) == [.udp, .sctp, .tls, .other, .tcp])
  }

  @Test("RFC 4475 §3.1.1.11, RFC 5621: a multipart body with zeros in it, byte for byte")
  func multipart() throws {
    let message = try parse("rfc4475/mpart01")
    #expect(message.body.count == 553)
    let parts = try message.bodyParts()
    #expect(parts.map(\.type.name) == ["text/plain", "application/octet-stream"])
    #expect(message.text(parts[0].content) == "Hello")
    #expect(message[parts[1].content].first == 0x30 && message[parts[1].content].contains(0))
    let end = Int(message.body.upper) - "\r\n--7a9cbec02ceef655--\r\n".utf8.count
    #expect(Int(parts[1].content.upper) == end)
  }

  @Test("RFC 4475 §3.1.1.12 and §3.1.1.13: reason phrases, unusual and empty")
  func reasonPhrases() throws {
    let message = try parse("rfc4475/unreason")
    #expect(message.status == 200)
    #expect(message.reasonPhrase == "= 2**3 * 5**2 но сто девяносто девять - простое")
    #expect(try parse("rfc4475/noreason").reasonPhrase.isEmpty)
  }

  @Test("RFC 4475 §3.2 to §3.4: what the layers above decide on can be read")
  func materialForOthers() throws {
    let branch = try parse("rfc4475/badbranch")
    #expect(!branch.hasTransactionID && branch.branch.map { branch.text($0) } == "z9hG4bK")
    #expect(try parse("rfc4475/unkscm").requestURI?.scheme == .other)
    #expect(try parse("rfc4475/novelsc").requestURI?.schemeText == "soap.beep")
    #expect(try parse("rfc4475/unksm2").toURI.isSIP == false)
    #expect(
      try parse("rfc4475/bext01").require.texts == [
        "nothingSupportsThis", "nothingSupportsThisEither",
      ])
    #expect(try parse("rfc4475/invut").contentType()?.name == "application/unknownformat")
    #expect(try parse("rfc4475/regaut01").authentication(.authorization).first?.isDigest == false)
    #expect(try parse("rfc4475/sdp01").accept().allSatisfy { !$0.accepts("application/sdp") })
    #expect(try parse("rfc4475/zeromf").maxForwards == 0)
    guard case .address(let address) = try parse("rfc4475/bcast").vias()[1].host else {
      Issue.record("no address")
      return
    }
    #expect(address.isBroadcast)
    #expect(throws: SyntaxError.self) { try parse("rfc4475/baddate").date() }
  }

  @Test(
    "RFC 4475 §3.3.12 to §3.3.14: parameters of the contact, of its URI, and headers of its URI")
  func contactParameters() throws {
    let header = try #require(try parse("rfc4475/cparam01").addresses(.contact).first)
    #expect(header.parameters.has("unknownparam") && !header.uri.hasParameter("unknownparam"))
    let inside = try #require(try parse("rfc4475/cparam02").addresses(.contact).first)
    #expect(!inside.parameters.has("unknownparam") && inside.uri.hasParameter("unknownparam"))
    let route = try #require(try parse("rfc4475/regescrt").addresses(.contact).first)
    #expect(route.uri.header("Route") == Array("<sip:sip.example.com>".utf8))
    #expect(route.uri.description == "sip:user@example.com?Route=%3Csip:sip.example.com%3E")
  }

  @Test("RFC 4475 §3.4.1: a request of RFC 2543")
  func inv2543() throws {
    let message = try parse("rfc4475/inv2543")
    #expect(message.branch == nil && message.fromTag == nil && message.maxForwards == nil)
    #expect(message.text(message.body).hasPrefix("v=0"))
    #expect(Int(message.body.upper) == message.bytes.count)
  }

  @Test("RFC 5118 §4.1 to §4.4: where an IPv6 address ends and the port begins")
  func addressAndPort() throws {
    let good = try parse("rfc5118/ipv6-good").requestURI
    #expect(good?.host == Host("2001:db8::10") && good?.port == nil)
    let ambiguous = try parse("rfc5118/port-ambiguous").requestURI
    #expect(ambiguous?.host == Host("2001:db8::10:5070") && ambiguous?.port == nil)
    let clear = try parse("rfc5118/port-unambiguous").requestURI
    #expect(clear?.host == Host("2001:db8::10") && clear?.port == 5070)
  }

  @Test(
    "RFC 5118 §4.5 to §4.10: received with and without brackets, mixed, mapped and buggy addresses")
  func oddAddresses() throws {
    let received = IPAddress("2001:db8::9:255")
    #expect(try parse("rfc5118/via-received-param-with-delim").topVia.received == received)
    #expect(try parse("rfc5118/via-received-param-no-delim").topVia.received == received)
    #expect(try parse("rfc5118/mult-ip-in-header").vias().count == 3)
    let mapped = try parse("rfc5118/ipv4-mapped-ipv6")
    #expect(mapped.topVia.host == Host("192.0.2.10") && mapped.topVia.port == 19823)
    let bug = try parse("rfc5118/ipv6-bug-abnf-3-colons").requestURI
    let correct = try parse("rfc5118/ipv6-correct-abnf-2-colons").requestURI
    #expect(bug?.host == correct?.host && correct?.host == Host("2001:db8::192.0.2.1"))
  }
}
