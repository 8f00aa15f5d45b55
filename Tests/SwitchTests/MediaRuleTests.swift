import Directory
import Elements
import SDP
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// What a customer's `codecs` and `srtp` mean for the offers of a phone and for those that it gets.
@Suite struct MediaRuleTests {
  private func town(_ number: String, codecs: [String] = [], _ srtp: SRTPPolicy = .optional) -> Town
  {
    var town = Town()
    var media = MediaEntry()
    (media.codecs, media.srtp) = (codecs, srtp)
    town.office(number) { $0.media = media }
    return town
  }

  /// An offer of voice in these formats, of which 9 is G722.
  private func voice(_ formats: String, version: Int = 1) -> String {
    Bench.sdp.replacing("1 1 IN", with: "1 \(version) IN").components(before: "m=audio")
      + "m=audio 40000 RTP/AVP \(formats)\r\na=rtpmap:101 telephone-event/8000\r\n"
  }

  private func formats(_ message: Message?) throws -> [UInt8] {
    try SessionDescription(parsing: try #require(message).bodyBytes).media[0].payloadTypes
  }

  @Test(
    "codecs hold for the offer of a phone and for what it is offered; where none is left: 488",
    arguments: ["101", "102"])
  func codecs(_ bound: String) throws {
    let bench = try Bench(town(bound, codecs: ["PCMA"]))
    let (caller, callee) = bench.twoPhones()
    caller.call("102", body: .some(voice("9 0 101")))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 488 && callee.open.isEmpty)
    #expect(bench.records.map(\.cause) == [.incompatible])
    caller.call("102", body: .some(voice("9 0 8 101")))
    bench.run(for: .seconds(1))
    let invite = try #require(callee.open.first)
    #expect(try formats(invite.message) == [8, 101])
    callee.answer(invite.server, 200, body: voice("8 101"))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 200)
    // Within the call, from either side.
    for (version, (asks, other)) in [(caller, callee), (callee, caller)].enumerated() {
      for (offered, passed) in [("0", [UInt8]()), ("0 8", [8])] {
        let body = voice(offered, version: 2 + version)
        asks.send(
          in: try #require(asks.dialog), RequestDraft(.invite, body: .sdp(Array(body.utf8))))
        bench.run(for: .seconds(1))
        guard !passed.isEmpty else {
          #expect(asks.lastStatus == 488 && other.open.isEmpty)
          continue
        }
        let again = try #require(other.open.first)
        #expect(try formats(again.message) == passed)
        other.answer(again.server, 200, body: voice("8", version: 2 + version))
        bench.run(for: .seconds(1))
        #expect(asks.lastStatus == 200)
      }
    }
  }

  @Test(
    "RFC 4733: of telephone events those stay that have the clock rate of a codec that stays",
    arguments: [
      ("111 8 101 126", [8, 126]), ("8 126 101", [8, 126]), ("111 8 101", [8, 101]),
    ] as [(String, [UInt8])])
  func clockRates(offered: String, passed: [UInt8]) throws {
    let bench = try Bench(town("101", codecs: ["PCMA"]))
    let (caller, callee) = bench.twoPhones()
    let body =
      Bench.sdp.components(before: "m=audio") + "m=audio 40000 RTP/AVP \(offered)\r\n"
      + "a=rtpmap:111 opus/48000/2\r\na=rtpmap:101 telephone-event/48000\r\n"
      + "a=rtpmap:126 telephone-event/8000\r\n"
    caller.call("102", body: .some(body))
    bench.run(for: .seconds(1))
    #expect(try formats(callee.open.first?.message) == passed)
  }

  @Test(
    "G.729 is one codec, whatever a phone calls it by its annexes", arguments: ["G729", "g729ab"])
  func annexes(_ name: String) throws {
    let bench = try Bench(town("101", codecs: [name]))
    let (caller, callee) = bench.twoPhones()
    caller.call("102", body: .some(voice("0 18 101") + "a=rtpmap:18 G729a/8000\r\n"))
    bench.run(for: .seconds(1))
    #expect(try formats(callee.open.first?.message) == [18, 101])
  }

  @Test(
    "A trunk whose codecs leave nothing of the voice is passed over for the next one; 488 behind the last",
    arguments: ["976333444", "112"])
  func trunks(number: String) throws {
    var town = Town()
    town.document.trunks[0].media.codecs = ["G722"]
    let bench = try Bench(town)
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    phone.call(number)
    bench.run(for: .seconds(3))
    #expect(phone.statuses().last == 200 && carrier.requests.isEmpty)
    #expect(spare.received(.invite).count == 1)
    phone.hangUp()
    bench.run(for: .seconds(1))
    bench.town.document.trunks[1].media.codecs = ["G722"]
    try bench.adopt(revision: 2)
    phone.call(number)
    bench.run(for: .seconds(3))
    #expect(phone.lastStatus == 488 && carrier.requests.isEmpty)
    #expect(spare.received(.invite).count == 1)
    #expect(bench.records.map(\.cause) == [.normal, .incompatible])
    #expect(bench.loadAtRest().openHolds == 0)
  }

  @Test(
    "A trunk that may use none of the caller's codecs is no reason to give up the one that is silent"
  )
  func spareTrunk() throws {
    var town = Town()
    town.document.trunks[1].media.codecs = ["G722"]
    let bench = try Bench(town)
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    phone.call("976333444")
    bench.run(for: .milliseconds(300))
    carrier.answer(try #require(carrier.open.first).server, 100)
    bench.run(for: .seconds(25))
    #expect(carrier.received(.cancel).isEmpty && spare.requests.isEmpty)
    carrier.answer(try #require(carrier.open.first).server, 200, body: Bench.sdp)
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 200)
  }

  @Test("A refresh of a phone whose offer says more than it may use is none for the other side")
  func refresh() throws {
    let bench = try Bench(town("101", codecs: ["PCMA"]))
    let (caller, callee) = bench.twoPhones()
    callee.manner = .answers(after: .seconds(1))
    caller.call("102", body: .some(voice("9 8 101")))
    bench.run(for: .seconds(2))
    let body = voice("9 8 101")
    caller.send(
      in: try #require(caller.dialog), RequestDraft(.invite, body: .sdp(Array(body.utf8))))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 200 && callee.received(.invite).count == 1)
  }

  @Test("srtp off: an offer of SRTP is refused, and none is made")
  func unsecured() throws {
    let bench = try Bench(town("101", .off))
    let (caller, callee) = bench.twoPhones()
    let key = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
    let secured =
      Bench.sdp.replacing("RTP/AVP", with: "RTP/SAVP")
      + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(key)\r\n"
    caller.call("102", body: .some(secured))
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 488 && callee.open.isEmpty)
    callee.call("101", body: .some(secured))
    bench.run(for: .seconds(1))
    let offer = try SessionDescription(parsing: try #require(caller.open.first).message.bodyBytes)
    #expect(!offer.media[0].profile.isSecure)
  }
}
