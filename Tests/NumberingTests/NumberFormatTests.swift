import Numbering
import Testing

@Suite struct NumberFormatTests {
  @Test(
    "An international prefix with a pause for a second tone is dialled whole: 8~10 in Russia is 810",
    arguments: [
      ("RU", "810"), ("BY", "810"), ("KZ", "810"), ("TJ", "810"), ("TM", "810"), ("UA", "00"),
      ("ES", "00"), ("US", "011"),
    ])
  func pause(region: String, prefix: String) throws {
    let country = try #require(Region(region).flatMap { CountryPlan($0) })
    let numbers = try numberingFixture("examples.tsv").filter { $0[2] == "fixedLine" }
      .compactMap { PhoneNumber($0[3]) }.filter { !$0.digits.hasPrefix(country.callingCode) }
    #expect(numbers.count > 200)
    var wrong: [String] = []
    for number in numbers {
      for format in [NumberFormat.international, .national] {
        let written = format.write(number, in: country)
        let text = String(decoding: written, as: UTF8.self)
        if text != prefix + "\(number)".dropFirst() { wrong.append("\(number) as \(text)") }
        if format.read(written.span, in: country) != number { wrong.append("\(text) read") }
      }
    }
    #expect(wrong.prefix(10) == [])
  }
}
