import Directory
import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Which number and name the called side sees, and what the record says of it.
@Suite struct CallerShownTests {
  private func ends(
    _ town: Town = Town()
  ) throws -> (
    bench: Bench, phone: UserAgent, carrier: UserAgent
  ) {
    let bench = try Bench(town)
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    phone.manner = .rings
    phone.register()
    return (bench, phone, carrier)
  }

  private func invite(
    _ ends: (bench: Bench, phone: UserAgent, carrier: UserAgent), from: NameAddress,
    _ headers: [HeaderDraft] = []
  ) throws -> Message {
    let (bench, phone, carrier) = ends
    let host = Host.address(Bench.switchEndpoint.address)
    carrier.call(Town.ddi, headers: headers, from: from, target: URI(user: Town.ddi, host: host))
    bench.run(for: .seconds(1))
    carrier.cancel()
    bench.run(for: .seconds(1))
    return try #require(phone.received(.invite).last)
  }

  private func name(_ user: String, _ display: String = "") -> NameAddress {
    NameAddress(
      displayName: display, uri: URI(user: user, host: .name("carrier.example")))
  }

  @Test(
    "RFC 3323 §4.1: an anonymous From, or Remote-Party-ID with privacy, hides the number without Privacy",
    arguments: [
      "\"Anonymous\" <sip:anonymous@anonymous.invalid>", "<sip:anonymous@office.example>", "full",
      "uri", "\"full\"",
    ])
  func phoneWithheld(wish: String) throws {
    let (bench, phone, carrier) = try ends()
    let isFrom = wish.contains("sip:")
    let party = "<sip:101@office.example>;party=calling;screen=no;privacy=\(wish)"
    phone.call(
      "976333444", headers: isFrom ? [] : [HeaderDraft(.remotePartyID, party)],
      from: isFrom ? try NameAddress(parsing: Array(wish.utf8).span) : nil)
    bench.run(for: .seconds(1))
    let invite = try #require(carrier.received(.invite).first)
    #expect("\(invite.fromURI)" == "sip:anonymous@anonymous.invalid")
    #expect(invite.text(.privacy) == "id")
    phone.cancel()
    bench.run(for: .seconds(1))
    #expect(bench.records.map(\.shown) == ["anonymous"])
  }

  @Test("One with privacy off, or of the called party, hides nothing")
  func phoneShown() throws {
    let (bench, phone, carrier) = try ends()
    for end in ["party=calling;privacy=off", "party=called;privacy=full", "privacy=name"] {
      phone.call(
        "976333444",
        headers: [HeaderDraft(.remotePartyID, "<sip:101@office.example>;\(end)")])
      bench.run(for: .seconds(1))
      #expect(carrier.received(.invite).last?.fromURI.userText == Town.ddi, "\(end)")
      phone.cancel()
      bench.run(for: .seconds(1))
    }
    #expect(bench.records.allSatisfy { $0.shown == Town.ddi })
  }

  @Test(
    "A caller's number without a plus sign is one of the trunk's country where it exists there, else as it came",
    arguments: [
      ("plus", "976222333", "+34976222333"), ("plus", "34976222333", "+34976222333"),
      ("plus", "+97611223344", "+97611223344"), ("plus", "0044 20 7946 0000", "+442079460000"),
      ("plus", "442079460000", "442079460000"), ("plus", "5551", "5551"),
      ("national", "442079460000", "442079460000"), ("national", "600111222", "+34600111222"),
      ("national", "+442079460000", "+442079460000"),
      ("international", "00442079460000", "+442079460000"),
      ("e164", "442079460000", "+442079460000"), ("e164", "976222333", "+34976222333"),
      ("e164", "5551", "5551"), ("plus", "Alice", "Alice"),
    ])
  func callerNumber(format: String, user: String, shown: String) throws {
    var town = Town()
    town.document.trunks[0].numberFormat = format
    town.document.trunks[0].country = "ES"
    let ends = try ends(town)
    // Its own way of writing the called number.
    let called = ["plus": Town.ddi, "international": "00" + Town.ddi.dropFirst()][format]
    let target = URI(
      user: called ?? String(Town.ddi.dropFirst(format == "e164" ? 1 : 3)),
      host: .address(Bench.switchEndpoint.address))
    ends.carrier.call("", from: name(user), target: target)
    ends.bench.run(for: .seconds(1))
    let invite = try #require(ends.phone.received(.invite).last)
    #expect(invite.fromURI.userText == shown)
    ends.carrier.cancel()
    ends.bench.run(for: .seconds(1))
    #expect(ends.bench.records.map(\.shown) == [shown])
  }

  @Test("Without a country of the trunk, that of the called tenant counts")
  func tenantCountry() throws {
    #expect(try invite(ends(), from: name("976222333")).fromURI.userText == "+34976222333")
  }

  @Test("RFC 3966: a tel URI in From is a number, also from another port of the carrier")
  func telephone() throws {
    let from = NameAddress(displayName: "Ann", uri: try URI("tel:+44-20-7946-0000"))
    let ends = try ends()
    let shown = try invite(ends, from: from)
    #expect(shown.fromURI.userText == "+442079460000" && shown.from.displayText == "Ann")
    let other = UserAgent(
      ends.bench, user: "", address: "192.0.2.50:6001", domain: "carrier.example")
    #expect(
      try invite((ends.bench, ends.phone, other), from: from).fromURI.userText == "+442079460000")
    #expect(ends.phone.received(.invite).count == 2)
  }

  @Test("The name in From counts where P-Asserted-Identity has the same number and no name")
  func callerName() throws {
    let ends = try ends()
    let asserted = { (value: String) in [HeaderDraft(.assertedIdentity, value)] }
    for (header, from, expected) in [
      ("<sip:+34600111222@carrier.example>", name("600111222", "Ann"), "Ann"),
      ("\"Bob\" <sip:+34600111222@carrier.example>", name("600111222", "Ann"), "Bob"),
      ("<tel:+34600111222>", name("+34600111222", "Ann"), "Ann"),
      ("<sip:+34600111222@carrier.example>", name("+34600999999", "Ann"), ""),
    ] {
      let shown = try invite(ends, from: from, asserted(header))
      #expect(shown.fromURI.userText == "+34600111222")
      #expect(shown.from.displayText == expected, "\(header) \(from)")
    }
  }

  @Test("The record has what was shown: the number for help, anonymous for a withheld caller")
  func records() throws {
    let ends = try ends()
    ends.phone.call("112", headers: [HeaderDraft(.privacy, "id")])
    ends.bench.run(for: .seconds(1))
    ends.phone.cancel()
    ends.bench.run(for: .seconds(1))
    _ = try invite(
      ends, from: name("anonymous"),
      [
        HeaderDraft(.privacy, "id"),
        HeaderDraft(.assertedIdentity, "<sip:+34600111222@carrier.example>"),
      ])
    #expect(ends.bench.records.map(\.shown) == [Town.ddi, "anonymous"])
    #expect(ends.bench.records.last?.caller == "+34600111222")
  }
}
