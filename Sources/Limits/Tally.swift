/// What was counted: money in micro-units, and numbers of calls.
package struct Tally: Hashable, Sendable {
  package var money: Int64 = 0
  package var international: Int32 = 0
  package var attempts: Int32 = 0

  static let zero = Tally()

  var isZero: Bool { self == .zero }

  subscript(quantity: Quantity) -> Int64 {
    get {
      switch quantity {
      case .money: money
      case .international: Int64(international)
      case .attempts: Int64(attempts)
      }
    }
    set {
      switch quantity {
      case .money: money = newValue
      case .international: international = Int32(clamping: newValue)
      case .attempts: attempts = Int32(clamping: newValue)
      }
    }
  }

  /// Sums stay at the end of the range: a counter that is full refuses, it never wraps.
  @inline(__always)
  static func += (left: inout Tally, right: Tally) {
    left.money = left.money.clampedSum(right.money)
    left.international = left.international.clampedSum(right.international)
    left.attempts = left.attempts.clampedSum(right.attempts)
  }

  static func -= (left: inout Tally, right: Tally) {
    left.money -= right.money
    left.international -= right.international
    left.attempts -= right.attempts
  }

  /// The larger of each.
  func joined(_ other: Tally) -> Tally {
    Tally(
      money: max(money, other.money), international: max(international, other.international),
      attempts: max(attempts, other.attempts))
  }
}

/// An amount by both prices.
package struct Cost: Hashable, Sendable {
  package var sell: Int64
  package var purchase: Int64

  package static let zero = Cost(sell: 0, purchase: 0)

  package init(sell: Int64, purchase: Int64) {
    (self.sell, self.purchase) = (sell, purchase)
  }

  package func counted(_ basis: Basis) -> Int64 {
    switch basis {
    case .sell: sell
    case .purchase: purchase
    case .max: max(sell, purchase)
    }
  }

  func joined(_ other: Cost) -> Cost {
    Cost(sell: max(sell, other.sell), purchase: max(purchase, other.purchase))
  }

  /// What is left of it when `other` has been paid.
  func beyond(_ other: Cost) -> Cost {
    Cost(sell: max(0, sell - other.sell), purchase: max(0, purchase - other.purchase))
  }
}

/// One value for each period.
struct PerPeriod<Value: Sendable>: Sendable {
  var hour: Value
  var day: Value
  var month: Value

  init(repeating value: Value) {
    (hour, day, month) = (value, value, value)
  }

  subscript(period: Period) -> Value {
    get {
      switch period {
      case .hour: hour
      case .day: day
      case .month: month
      }
    }
    _modify {
      switch period {
      case .hour: yield &hour
      case .day: yield &day
      case .month: yield &month
      }
    }
  }
}

extension FixedWidthInteger {
  /// The sum, held at the end of the range instead of wrapping or trapping.
  @inline(__always)
  func clampedSum(_ other: Self) -> Self {
    let (sum, overflow) = addingReportingOverflow(other)
    guard overflow else { return sum }
    return other > 0 ? .max : .min
  }
}

extension Int64 {
  /// Division that rounds up; for amounts that are not negative.
  func dividedRoundingUp(by divisor: Int64) -> Int64 {
    self / divisor + (self % divisor > 0 ? 1 : 0)
  }
}
