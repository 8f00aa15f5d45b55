import Elements

/// How a carrier bills, worked out by itself and by no code of the ledger: whole seconds, begun steps in
/// full, a fee to connect, the sum rounded up.
struct CarrierTariff: Sendable {
  let fee: Int64
  let perMinute: Int64
  let minimumSeconds: Int
  let incrementSeconds: Int
  /// Micro-units: the price of a call is a multiple of it.
  let roundingMicros: Int64

  /// Prices by which a call may go on for long and cost no more: free, a fee only, rounded coarsely.
  static let flat = [
    CarrierTariff(fee: 0, perMinute: 0, roundingMicros: 1),
    CarrierTariff(fee: 100_000, perMinute: 0, roundingMicros: 1),
    CarrierTariff(fee: 0, perMinute: 6_000, roundingMicros: 10_000),
  ]

  private init(fee: Int64, perMinute: Int64, roundingMicros: Int64) {
    (self.fee, self.perMinute, self.roundingMicros) = (fee, perMinute, roundingMicros)
    (minimumSeconds, incrementSeconds) = (0, 1)
  }

  init(dear: Bool, dice: inout SplitMix) {
    fee = dice.chance(1, in: 2) ? 0 : Int64.random(in: 1...50, using: &dice) * 10_000
    perMinute = Int64.random(in: 1...(dear ? 200 : 40), using: &dice) * 10_000
    let steps = [(0, 1), (0, 60), (60, 60), (30, 6), (60, 1), (1, 1)]
    (minimumSeconds, incrementSeconds) = steps.randomElement(using: &dice) ?? (60, 60)
    roundingMicros = 1
  }

  /// Micro-units for an answered call of that length.
  func charge(_ talk: Duration) -> Int64 {
    var seconds = max(1, (talk.wholeMilliseconds + 999) / 1000)
    let (minimum, increment) = (Int64(minimumSeconds), Int64(incrementSeconds))
    if seconds < minimum { seconds = minimum }
    let behind = seconds - minimum
    seconds = minimum + (behind + increment - 1) / increment * increment
    let sum = fee + (seconds * perMinute + 59) / 60
    return (sum + roundingMicros - 1) / roundingMicros * roundingMicros
  }
}
