import Elements

/// How far ahead a call is paid, in milliseconds of talk; the guard is always inside.
enum Slice {
  /// At the start: the first step of the tariff, at least ten seconds and the guard.
  static func first(_ price: Price, guardTime: Int64) -> Int64 {
    price.paidThrough(max(10_000 + guardTime, price.firstStep))
  }

  static let longest: Int64 = 30_000
  static let shortest: Int64 = 1000

  /// Where the next slice may end, longest first: near a limit they shrink to a second.
  static func next(
    _ price: Price, covered: Int64, talked: Int64, guardTime: Int64
  ) -> [Int64] {
    let from = max(covered, talked.clampedSum(guardTime))
    var ends: [Int64] = []
    var length = longest
    while length > shortest {
      ends.append(price.paidThrough(from.clampedSum(length)))
      length /= 2
    }
    ends.append(price.paidThrough(from.clampedSum(shortest)))
    // Steps of a minute make them all the same.
    return ends.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
  }
}
