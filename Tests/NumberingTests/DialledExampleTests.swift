import Numbering
import Testing

@Suite struct DialledExampleTests {
  @Test("Every example number, as one dials it at home and abroad, comes to its normal form")
  func everyExample() throws {
    let rows = try numberingFixture("dialled.tsv")
    #expect(rows.count > 2000)
    var wrong: [String] = []
    for row in rows {
      let found = resolve(row[1], in: try plan(row[0]))
      if !found.hasPrefix("\(row[2]) ") { wrong.append("\(row): \(found)") }
    }
    #expect(wrong == [])
  }
}
