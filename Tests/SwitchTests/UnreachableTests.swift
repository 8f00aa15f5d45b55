import Directory
import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

@Suite struct UnreachableTests {
  @Test(
    "A UDP error that ends no INVITE ends no hold: only the branch proves it, and only of the first copy"
  )
  func unreachable() throws {
    let bench = try Bench()
    let (phone, carrier, _) = bench.phoneAndCarriers()
    carrier.manner = .waits
    carrier.mute = true
    phone.call("976333444")
    bench.run(for: .milliseconds(100))
    let invite = try #require(bench.sent.first { $0.text.hasPrefix("INVITE") })
    #expect(invite.to == carrier.endpoint)
    let bytes = Array(invite.text.utf8)
    let forged = Array("INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKguess\r\n".utf8)
    for quote in [[], Array(bytes.prefix(20)), forged] {
      bench.happen(.unreachable(quote: quote, "Connection refused"))
    }
    bench.run(for: .seconds(1))
    // The second copy has left: the first may have arrived.
    bench.happen(.unreachable(quote: bytes, "Connection refused"))
    bench.run(for: .milliseconds(100))
    #expect(bench.core.ledger.openHolds.count == 1 && phone.statuses().allSatisfy { $0 < 300 })
    carrier.mute = false
    carrier.answer(try #require(carrier.open.first?.server), 200, body: Bench.sdp)
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 200)
    phone.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.records.first?.sell.map { $0.micros > 0 } == true)
  }

  @Test("A true UDP error of the only copy passes to the next trunk at once, and costs nothing")
  func refusedPort() throws {
    let bench = try Bench()
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    carrier.mute = true
    phone.call("976333444")
    bench.run(for: .milliseconds(100))
    let invite = try #require(bench.sent.first { $0.text.hasPrefix("INVITE") })
    bench.happen(.unreachable(quote: Array(invite.text.utf8), "Connection refused"))
    bench.run(for: .milliseconds(200))
    #expect(spare.received(.invite).count == 1)
    #expect(bench.core.ledger.openHolds.count == 1)
  }

  @Test("A carrier that went away behind the first copy of a probe is known to be by the second")
  func behindFirstCopy() throws {
    var town = Town()
    town.document.trunks[0].probeSeconds = 30
    let bench = try Bench(town)
    let (_, carrier, _) = bench.phoneAndCarriers()
    bench.run(for: .seconds(2))
    #expect(bench.state(ofTrunk: "carrier") == "up")
    carrier.mute = true
    for _ in 0..<2 {
      let before = bench.requests("OPTIONS", to: carrier.endpoint).count
      for _ in 0..<40 where bench.requests("OPTIONS", to: carrier.endpoint).count < before + 2 {
        bench.run(for: .seconds(1))
      }
      let probe = try #require(bench.requests("OPTIONS", to: carrier.endpoint).last)
      bench.happen(.unreachable(quote: Array(probe.utf8), "Connection refused"))
    }
    #expect(bench.state(ofTrunk: "carrier") == "down")
    #expect(bench.reason(ofTrunk: "carrier") == "not sent: Connection refused")
  }

  @Test("RFC 3261 §16.7: a 200 behind the refusal of another branch is acknowledged and ended")
  func acceptedBehindRefusal() throws {
    let bench = try Bench()
    let (phone, carrier, _) = bench.phoneAndCarriers()
    phone.call("976333444")
    bench.run(for: .seconds(1))
    let server = try #require(carrier.open.first?.server)
    carrier.answer(server, 486)
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 486 && bench.core.calls.isEmpty)
    let refusal = try #require(bench.sent.last { $0.text.hasPrefix("ACK") })
    let lines = refusal.text.split(separator: "\r\n").map(String.init)
    let kept = lines.filter { line in
      ["Via:", "From:", "Call-ID:"].contains { line.hasPrefix($0) }
    }
    let answer =
      ["SIP/2.0 200 OK"] + kept + [
        "To: <sip:x@192.0.2.50>;tag=other", "CSeq: 1 INVITE", "Contact: <sip:x@192.0.2.50:5060>",
        "Content-Length: 0", "", "",
      ]
    carrier.say(Array(answer.joined(separator: "\r\n").utf8))
    bench.run(for: .seconds(1))
    #expect(bench.sent.contains { $0.text.hasPrefix("ACK") && $0.text.contains("tag=other") })
    #expect(bench.sent.contains { $0.text.hasPrefix("BYE") && $0.text.contains("tag=other") })
  }
}
