import Directory
import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// INVITEs that are too long for a datagram, and carriers that take no connection (RFC 3261 §18.1.1).
@Suite struct LongInviteTests {
  /// A bench whose INVITEs are all too long, with a carrier whose transport nobody has written.
  private func bench(attempt milliseconds: Int = 4_000) throws -> Bench {
    var town = Town()
    town.document.trunks[0].address = "sip:192.0.2.50"
    town.document.trunks[0].timeoutMilliseconds = milliseconds
    return try Bench(town) { $0.sip.datagramLimitBytes = 600 }
  }

  private func tcp(_ bench: Bench, to carrier: UserAgent) -> Int {
    bench.opened.count { $0.transport == .tcp && $0.remote == carrier.endpoint }
  }

  @Test("It goes by datagram as soon as no connection comes about, and the next ones at once")
  func byDatagram() throws {
    let bench = try bench()
    let (phone, carrier, _) = bench.phoneAndCarriers()
    carrier.manner = .answers(after: .milliseconds(100))
    bench.streamless[carrier.endpoint] = .seconds(3)
    for patience in [Duration.milliseconds(3_500), .milliseconds(500)] {
      phone.call("976333444")
      bench.run(for: patience)
      #expect(phone.statuses().last == 200)
      phone.hangUp()
      bench.run(for: .seconds(1))
    }
    #expect(tcp(bench, to: carrier) == 1)
    #expect(carrier.received(.invite).count == 2)
    #expect(bench.records.map(\.attempts) == [1, 1])
    #expect(bench.core.ledger.openHolds.isEmpty)
  }

  @Test(
    "Where the carrier's time is over first, nothing rings there that nobody pays for",
    arguments: [(2_900, 3_000), (2_900, 4_001), (4_000, 4_001), (4_000, 6_000)])
  func tooLate(attempt: Int, connect: Int64) throws {
    let bench = try bench(attempt: attempt)
    let (phone, carrier, spare) = bench.phoneAndCarriers()
    carrier.manner = .answers(after: .milliseconds(100))
    bench.streamless[carrier.endpoint] = .milliseconds(connect)
    phone.call("976333444")
    bench.run(for: .seconds(20))
    #expect(tcp(bench, to: carrier) == 1)
    #expect(carrier.received(.invite).isEmpty && spare.received(.invite).count == 1)
    #expect(phone.statuses().last == 200)
    #expect(bench.core.ledger.openHolds.count == 1)
    phone.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.core.ledger.openHolds.isEmpty && bench.records.count == 1)
  }
}
