package import Elements

/// What the carrier takes for the numbers that begin with a prefix, in cents.
package struct CarrierPrice: Codable, Hashable, Sendable {
  var prefix: String
  var connectionCents: Int
  var centsPerMinute: Int

  package init(prefix: String, connectionCents: Int, centsPerMinute: Int) {
    (self.prefix, self.connectionCents) = (prefix, connectionCents)
    self.centsPerMinute = centsPerMinute
  }

  /// A call of that length: the connection, and every begun minute in full (60/60).
  package func cents(forMilliseconds talk: Int64) -> Int {
    connectionCents + Int(max(1, (talk + 59_999) / 60_000)) * centsPerMinute
  }
}

/// The carrier's own record of what it connected, and its bill: made of its own clock, nothing else.
package struct CarrierBook {
  private struct Entry {
    let number: String
    let answeredAt: Instant
    var endedAt: Instant?
  }

  private let prices: [CarrierPrice]
  /// By call.
  private var entries: [Int: Entry] = [:]

  package init(_ prices: [CarrierPrice]) {
    self.prices = prices
  }

  package mutating func answered(_ call: Int, number: String, at now: Instant) {
    entries[call] = Entry(number: number, answeredAt: now)
  }

  package mutating func ended(_ call: Int, at now: Instant) {
    entries[call]?.endedAt = now
  }

  /// What has to be paid for all of it at this moment; calls that are up count as if they ended now.
  package func bill(at now: Instant) -> CarrierBill {
    CarrierBill(
      lines: entries.keys.sorted().compactMap { call in
        guard let entry = entries[call] else { return nil }
        let length = ((entry.endedAt ?? now) - entry.answeredAt).wholeMilliseconds
        // Emergency numbers are in no price list: they are free.
        let price = prices.first { entry.number.hasPrefix($0.prefix) }
        return CarrierBill.Line(
          number: entry.number, talkMilliseconds: length, isUp: entry.endedAt == nil,
          cents: price?.cents(forMilliseconds: length) ?? 0)
      })
  }
}

/// What the carrier asks for.
package struct CarrierBill: Codable, Hashable, Sendable {
  /// One connected call.
  package struct Line: Codable, Hashable, Sendable {
    var number: String
    var talkMilliseconds: Int64
    package var isUp: Bool
    package var cents: Int
  }

  package var lines: [Line]

  package var cents: Int { lines.reduce(0) { $0 + $1.cents } }
}
