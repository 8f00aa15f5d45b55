import Foundation
import Numbering
import Testing

/// Rows of a table in Tests/Fixtures/numbering, its heading left out.
func numberingFixture(_ name: String) throws -> [[String]] {
  let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  let file = folder.appending(path: "Fixtures/numbering/\(name)")
  let text = try String(contentsOf: file, encoding: .utf8)
  return text.split(separator: "\n").dropFirst().map { line in
    line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
  }
}

@Suite struct ExampleNumberTests {
  /// What each type of the table may come out as; more than one where the plan itself does not tell.
  private static let accepted: [String: Set<DestinationClass>] = [
    "fixedLine": [.geographic, .geographicOrMobile], "mobile": [.mobile, .geographicOrMobile],
    "tollFree": [.tollFree], "premiumRate": [.premium], "sharedCost": [.sharedCost],
    "voip": [.voip], "personalNumber": [.personal], "pager": [.pager], "uan": [.universalAccess],
    "voicemail": [.voicemail],
  ]

  /// Numbers of no country that we call satellite and Google mobile or VoIP (guard, Destinations).
  private static let satelliteCodes: Set<String> = ["870", "881", "882", "883"]

  @Test("Every example number has the class that Google gives it, satellite codes apart")
  func everyExample() throws {
    let rows = try numberingFixture("examples.tsv")
    #expect(rows.count == 1144)
    var wrong: [String] = []
    for row in rows {
      let number = try #require(PhoneNumber(row[3]), "\(row)")
      let expected =
        Self.satelliteCodes.contains(row[1]) ? [.satellite] : try #require(Self.accepted[row[2]])
      if !expected.contains(number.facts.kind) {
        wrong.append("\(row[0]) \(row[2]) \(row[3]): \(number.facts.kind) \(number.facts.region)")
      }
    }
    #expect(wrong == [])
  }
}
