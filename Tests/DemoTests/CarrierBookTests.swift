import Elements
import Demo
import Testing

@Suite struct CarrierBookTests {
  private let price = CarrierPrice(prefix: "+44", connectionCents: 50, centsPerMinute: 200)

  @Test(
    "60/60: every begun minute in full",
    arguments: [(0, 250), (1, 250), (60_000, 250), (60_001, 450), (3_600_000, 12_050)])
  func price(milliseconds: Int64, cents: Int) {
    #expect(price.cents(forMilliseconds: milliseconds) == cents)
  }

  @Test("calls that are up count as far as they are; what has no price is free")
  func bill() {
    var book = CarrierBook([price])
    let start = Instant.start
    book.answered(3, number: "+442079460000", at: start)
    book.answered(5, number: "+442079460000", at: start)
    book.answered(9, number: "112", at: start)
    book.ended(3, at: start + .seconds(58))
    book.ended(9, at: start + .seconds(600))
    let bill = book.bill(at: start + .seconds(61))
    #expect(bill.lines.map(\.cents) == [250, 450, 0])
    #expect(bill.lines.map(\.isUp) == [false, true, false])
    #expect(bill.cents == 700)
  }

  @Test("the numbers of the story are those of its prices")
  func plot() {
    #expect(Plot.firstMinuteCents == 250 && Plot.callsThatFit == 4)
    #expect(Plot.euros(Plot.otherwiseCents) == "12,050.00 EUR")
    #expect([0, 5, 99_999_999].map(Plot.euros) == ["0.00 EUR", "0.05 EUR", "999,999.99 EUR"])
  }
}
