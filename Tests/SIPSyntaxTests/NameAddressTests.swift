import Elements
import Testing

@testable import SIPSyntax

@Suite struct NameAddressTests {
  private func parse(_ text: String) throws -> NameAddress {
    try NameAddress(parsing: Array(text.utf8).span)
  }

  @Test("RFC 3261 §20.10: parameters behind brackets are the field's, inside they are the URI's")
  func parameters() throws {
    let inside = try parse("<sip:a@b;expires=1>;expires=2")
    #expect(inside.expires == 2 && inside.uri.parameter("expires") == "1")
    let bare = try parse("sip:a@b;expires=3")
    #expect(bare.expires == 3 && bare.uri.description == "sip:a@b")
  }

  @Test("RFC 3261 §25.1: display names, quoted, bare and outside the grammar")
  func displayNames() throws {
    #expect(try parse("\"A \\\"B\\\" <sip:c@d>\" <sip:a@b>").displayText == "A \"B\" <sip:c@d>")
    #expect(try parse("Bob  T. <sip:a@b>").displayText == "Bob  T.")
    #expect(try parse("Müller <sip:a@b>").displayText == "Müller")
    #expect(try parse("<sip:a@b>").displayName.isEmpty)
    #expect(try parse("\"\" <sip:a@b>").displayName.isEmpty)
  }

  @Test(
    "RFC 3261 §25.1: text that is no address",
    arguments: [
      "", "Bob", "<>", "<sip:a@b", "\"Bob <sip:a@b>", "\"Bob\" sip:a@b", "<sip:a@b>;",
      "<sip:a@b>;;x",
      "<sip:a@b> x", "sip:a@b?x=y", "Bell, A <sip:a@b>", "< sip:a@b >", "<sip:a@b>;x=",
      "(c) <sip:a@b>",
    ])
  func malformed(_ text: String) {
    #expect(throws: SyntaxError.self) { try parse(text) }
  }

  @Test("RFC 3261 §20.20: a serialized address says the same again")
  func roundTrip() throws {
    let uri = try URI("sip:bob@example.com;transport=tcp")
    let address = NameAddress(displayName: "Bob \"\\ Ö\r\nX", uri: uri, tag: Array("t1".utf8))
    let again = try parse(address.description)
    #expect(again.displayText == "Bob \"\\ Ö  X")
    #expect(again.uri == uri && again.tag == Array("t1".utf8))
  }

  @Test("RFC 3261 §20.10, RFC 5626 §4: what a registrar reads of a Contact")
  func contactParameters() throws {
    let contact = try parse(
      "<sip:a@b>;q=0.55;expires=36893488147419103232;reg-id=1;+sip.instance=\"<urn:uuid:1>\"")
    #expect(contact.preference == 550)
    #expect(contact.expires == 3600, "an overlarge value counts as 3600")
    #expect(contact.registrationID == 1)
    #expect(contact.instance == Array("<urn:uuid:1>".utf8))
    #expect(try parse("<sip:a@b>;q=1.0").preference == 1000)
    #expect(try parse("<sip:a@b>;q=1.5").preference == nil)
    #expect(try parse("<sip:a@b>;q=.5").preference == nil)
    #expect(try parse("<sip:a@b>").expires == nil)
  }

  @Test("RFC 3261 §7.3.1: parameters can be replaced; values that are no token get quotes")
  func editing() throws {
    let parameters = try parse("<sip:a@b>;tag=1;lr;x=\"q;\\\"r\"").parameters
    #expect(parameters.text("x") == "q;\"r")
    #expect(parameters.without("tag").description == ";lr;x=\"q;\\\"r\"")
    #expect(parameters.with("lr", "a b").text("lr") == "a b")
    #expect(parameters.all.map(\.name) == ["tag", "lr", "x"])
  }

  @Test(
    "RFC 3261 §19.3: the tag of a peer goes back as it came, whatever it is made of",
    arguments: ["a/b=c", "\"q;\\\"x\"", "tok~en", "[::1]"])
  func tags(_ tag: String) throws {
    let message = try MessageParser.parse(
      MessageTests.bytes(MessageTests.invite.replacing("9fxced76sl", with: tag)), framing: .stream)
    let range = try #require(message.fromTag)
    #expect(message.text(range) == tag)
    let ours = NameAddress(uri: message.fromURI, tag: Array(message[range]))
    #expect(ours.description == "<sip:alice@atlanta.example.com>;tag=\(tag)")
    let odd = NameAddress(uri: message.fromURI, tag: Array("a;b\"".utf8))
    #expect(try parse(odd.description).parameters.bytes("tag") == Array("a;b\"".utf8))
    #expect(try parse(ours.description).tag == Array(tag.utf8))
  }
}
