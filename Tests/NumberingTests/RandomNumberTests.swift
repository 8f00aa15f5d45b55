import Foundation
import Numbering
import Testing

@Suite struct RandomNumberTests {
  private static let kinds: [String: DestinationClass] = [
    "fixedLine": .geographic, "mobile": .mobile, "fixedOrMobile": .geographicOrMobile,
    "tollFree": .tollFree, "premiumRate": .premium, "sharedCost": .sharedCost, "voip": .voip,
    "personalNumber": .personal, "pager": .pager, "uan": .universalAccess,
    "voicemail": .voicemail, "unknown": .invalid,
  ]

  /// With what the table knows better: satellites, San Marino through Italy, Manx mobiles.
  private static func expected(_ row: [String]) throws -> NumberFacts {
    var kind = try #require(kinds[row[2]])
    if kind != .invalid, ["+870", "+881", "+882", "+883"].contains(row[0].prefix(4)) {
      kind = .satellite
    }
    let isManx = row[0].hasPrefix("+447524") || row[0].hasPrefix("+447924")
    let region = row[0].hasPrefix("+390549") ? "SM" : isManx ? "IM" : row[1]
    return NumberFacts(kind: kind, region: try #require(Region(region)))
  }

  @Test(
    "The compiled table agrees with the expressions it was made from (Scripts/numbering_oracle.py)")
  func agreesWithExpressions() throws {
    // MARTINET_RANDOM_NUMBERS names a longer list, made with another seed.
    let rows = try numberingFixture(
      ProcessInfo.processInfo.environment["MARTINET_RANDOM_NUMBERS"] ?? "random.tsv")
    #expect(rows.count >= 6000)
    var wrong: [String] = []
    for row in rows {
      let number = try #require(PhoneNumber(row[0]))
      let (found, expected) = (number.facts, try Self.expected(row))
      // For a number in no plan only that matters.
      if found.kind != expected.kind || (found.kind != .invalid && found.region != expected.region)
      {
        wrong.append("\(row): \(found)")
      }
    }
    #expect(wrong == [])
  }

  @Test("Premium, shared cost and free ranges are never ordinary numbers")
  func specialRanges() throws {
    let kinds: [String: Set<DestinationClass>] = [
      "PREMIUM_RATE": [.premium], "SHARED_COST": [.sharedCost], "TOLL_FREE": [.tollFree],
    ]
    var checked = 0
    for row in try numberingFixture("non_standard_tariff_ranges.tsv") {
      guard let accepted = kinds[row[4]], let number = Self.member(of: row) else { continue }
      let facts = number.facts
      checked += 1
      // A range may be newer than the patterns; then it is in no plan, and closed.
      let kind = facts.kind
      #expect(accepted.contains(kind) || kind == .invalid || kind == .satellite, "\(row) \(number)")
    }
    #expect(checked > 1000)
  }

  /// The first number of a row "country code, pattern, length".
  private static func member(of row: [String]) -> PhoneNumber? {
    guard let length = Int(row[2].prefix { $0.isNumber }) else { return nil }
    var digits = ""
    var rest = row[1][...]
    while let first = rest.first {
      if first == "[", let end = rest.firstIndex(of: "]") {
        digits.append(rest[rest.index(after: rest.startIndex)])
        rest = rest[rest.index(after: end)...]
      } else if first.isNumber {
        digits.append(first)
        rest = rest.dropFirst()
      } else {
        return nil
      }
    }
    while digits.count < length { digits.append("5") }
    return PhoneNumber("+\(row[0])\(digits)")
  }
}
