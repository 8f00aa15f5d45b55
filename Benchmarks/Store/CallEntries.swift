import Elements
import Limits
import Switch

/// What the switch writes of one paid call, and now and then of an alert.
struct CallEntries {
  private static let callsForAnAlert: UInt64 = 8

  private let number: UInt64
  private let record: CallDetailRecord

  init(_ number: UInt64) {
    self.number = number
    var record = CallDetailRecord(
      call: CallID(number), direction: .outbound,
      startedAt: WallTime(unixMilliseconds: 1_790_000_000_000 + Int64(number) * 10))
    record.tenant = TenantID(1)
    (record.ringingAt, record.answeredAt) = (record.startedAt, record.startedAt + .seconds(5))
    record.endedAt = record.startedAt + .seconds(65)
    record.lastMediaAt = record.endedAt
    (record.cause, record.endedBy, record.status) = (.normal, .caller, 200)
    (record.caller, record.shown, record.dialled) = ("1001", "+34976111222", "00442079460000")
    (record.normalised, record.destinationClass, record.country) = ("+442079460000", "fixed", "GB")
    (record.payer, record.trunk) = (AccountID(1 + number % 1000), TrunkID(1))
    record.hold = HoldID(number)
    (record.sell, record.purchase) = (Money(micros: 10_000, .eur), Money(micros: 9_000, .eur))
    (record.attempts, record.slices) = (1, 2)
    record.legs = [
      Self.leg(.caller, "Desk phone 3.1", number), Self.leg(.callee, "carrier", number),
    ]
    self.record = record
  }

  private static func leg(
    _ side: CallDetailRecord.Party, _ userAgent: String, _ number: UInt64
  ) -> CallDetailRecord.Leg {
    var leg = CallDetailRecord.Leg(side: side)
    if side == .caller {
      leg.extension = ExtensionID(1 + number % 1000)
    } else {
      leg.trunk = TrunkID(1)
    }
    leg.address = Endpoint(IPAddress(v4: 0xC633_6407), 5060)
    (leg.userAgent, leg.codecs) = (userAgent, ["PCMA", "telephone-event"])
    leg.quality = CallQuality(
      packetsReceived: 3000, packetsLost: 2, jitterMicroseconds: 900, roundTripMicroseconds: 0,
      meanOpinionMilli: 4_390)
    return leg
  }

  /// The reservation, the answer, the end.
  var batches: [[JournalEntry]] {
    let hold = HoldID(number)
    let cost = Cost(sell: 10_000, purchase: 9_000)
    let time = LedgerTime(wall: record.endedAt.unixMilliseconds, elapsed: Int64(number))
    var reservation: [JournalEntry] = [
      .ledger(.raised(hold, posted: .zero, total: cost, time)), .call(.open(record.call, record)),
    ]
    if number.isMultiple(of: Self.callsForAnAlert) { reservation.append(.alert(alert)) }
    return [
      reservation, [.ledger(.answered(hold))],
      [
        .ledger(.finished(hold, charged: cost, givesBack: true, time)), .record(record),
      ],
    ]
  }

  private var alert: Alert {
    Alert(
      .newCountry, .warning, tenant: TenantID(1), at: record.startedAt, key: "country-\(number)",
      facts: [
        .init("subject", "office 1001"), .init("call", "\(number)"), .init("to", "+442079460000"),
        .init("country", "GB"), .init("from", "198.51.100.7:5060"),
        .init("phone", "Desk phone 3.1"),
      ])
  }
}
