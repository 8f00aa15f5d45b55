import Elements
import Limits

/// A rate deck from a carrier, as CSV.
struct RateSubject: Subject {
  static let name = "rates"
  /// Decks are longer, and are read once, for a person.
  static let mostBytes = 16_384

  func work(_ input: [UInt8]) -> Result<RateDeck, RateDeckErrors> {
    Result { () throws(RateDeckErrors) in try RateDeckParser().parse(input) }
  }

  func check(_ outcome: Result<RateDeck, RateDeckErrors>, of input: [UInt8]) {
    switch outcome {
    case .failure(let errors):
      require(!errors.errors.isEmpty, "a deck is refused for a reason")
      require(errors.errors.count <= RateDeckParser.mostErrors, "reasons are bounded")
      require(errors.description.utf8.count < 1 << 20, "and can be read")
    case .success(let deck):
      var dice = SplitMix(seed: fingerprint(of: input))
      for number in ["34976111222", "442079460000", "12125550123", "8821234567890", "1"] {
        let moment = WallTime(
          unixMilliseconds: Int64.random(in: 0...4_000_000_000_000, using: &dice))
        guard let quote = deck.quote(for: number, at: moment) else { continue }
        require(number.hasPrefix(quote.prefix), "a price is that of a prefix of the number")
        let cost = quote.tariff.cost(of: .seconds(61), answeredAt: moment)
        require(cost.map { $0.micros >= 0 } ?? true, "a call costs nothing or something")
      }
    }
  }
}
