/// The length of a window over which something is counted.
package enum Period: UInt8, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  case hour, day, month

  /// Stored, because the loops over it are on the way of every call.
  package static let allCases: [Period] = [.hour, .day, .month]

  package var description: String {
    switch self {
    case .hour: "hour"
    case .day: "day"
    case .month: "month"
    }
  }
}

/// The two windows that every limit per hour, day or month has.
package enum WindowKind: UInt8, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  /// By the clock on the wall of the account: this hour, today, this month.
  case calendar
  /// Any 60 minutes, 24 hours, 30 days, so that midnight does not double the allowance.
  case rolling

  package var description: String { self == .calendar ? "calendar" : "rolling" }

  /// "today" and "in the last 24 hours", for people.
  func words(_ period: Period) -> String {
    switch (self, period) {
    case (.calendar, .hour): "in this hour"
    case (.calendar, .day): "today"
    case (.calendar, .month): "in this month"
    case (.rolling, .hour): "in the last 60 minutes"
    case (.rolling, .day): "in the last 24 hours"
    case (.rolling, .month): "in the last 30 days"
    }
  }
}

/// What is counted over a period.
package enum Quantity: UInt8, Hashable, Sendable, CaseIterable {
  /// Micro-units of the subject's currency: posted and reserved.
  case money
  /// International calls let out; given back only where one definitely failed before its answer.
  case international
  /// Tries to call out for money, the refused ones included; never given back.
  case attempts
}

/// One number that is counted and may have a limit: a quantity over a period.
package struct Meter: Hashable, Sendable, CustomStringConvertible {
  package let quantity: Quantity
  package let period: Period

  package init(_ quantity: Quantity, per period: Period) {
    (self.quantity, self.period) = (quantity, period)
  }

  /// All meters, money first, short periods first.
  package static let all: [Meter] = Quantity.allCases.flatMap { quantity in
    Period.allCases.map { Meter(quantity, per: $0) }
  }

  /// The meters whose shares are told.
  static let shared = all.filter { $0.quantity != .attempts }

  package var description: String {
    switch quantity {
    case .money: "money per \(period)"
    case .international: "international calls per \(period)"
    case .attempts: "paid call attempts per \(period)"
    }
  }
}
