/// The limits of one subject and how much of each is used, as `martinet limits show` shows it.
package struct LimitReport: Codable, Sendable {
  /// "account", "tenant", "trunk" or "platform".
  package var level: String
  package var tenant: String?
  package var `extension`: String?
  package var trunk: String?
  package var limits: [Row]
  /// Why paid calls are refused; nil while they go out.
  package var blocked: Block?
  /// Prepaid money that is not reserved, "3.50 EUR"; nil for those who pay later.
  package var balance: String?
  package var ceilings: Ceilings
  /// What the account usually does; nil for the other levels, and before its first paid call.
  package var habits: Habits?

  /// What an account usually does, and how far it is from that.
  package struct Habits: Codable, Sendable, Hashable {
    /// "stop", "tell" or "off".
    package var rule: String
    /// The tenant is too new: nobody is stopped.
    package var learning: Bool
    /// Days with paid calls.
    package var days: Int
    /// The most that is usual.
    package var callsPerHour: Int
    package var spentPerDay: String
    /// Countries, and numbers that are dear by their kind apart.
    package var destinations: Int
    /// What odd calls of late count, of what is tolerated.
    package var odd: String
    package var tolerated: String

    package init(
      rule: String, isLearning: Bool, days: Int, callsPerHour: Int, spentPerDay: String,
      destinations: Int, odd: String, tolerated: String
    ) {
      (self.rule, learning, self.days) = (rule, isLearning, days)
      (self.callsPerHour, self.spentPerDay) = (callsPerHour, spentPerDay)
      (self.destinations, self.odd, self.tolerated) = (destinations, odd, tolerated)
    }

    enum CodingKeys: String, CodingKey {
      case rule, learning, days, destinations, odd, tolerated
      case callsPerHour = "calls_per_hour"
      case spentPerDay = "spent_per_day"
    }

    /// One line for people.
    package var words: String {
      let state = learning ? "\(rule), learning" : rule
      return
        "HABITS \(state): up to \(callsPerHour) paid calls an hour and \(spentPerDay) a day to "
        + "\(destinations) destinations, on \(days) days; odd of late \(odd) of \(tolerated)"
    }
  }

  /// What holds for each call or at each moment, whatever the windows say; "none" is no limit.
  package struct Ceilings: Codable, Sendable, Hashable {
    /// Most that a single call may cost.
    package var call: String
    /// Paid calls at the same time.
    package var concurrent: String
    /// Those that are up or ringing now.
    package var paidCalls: Int
    package var pricePerMinute: String
    package var connectionFee: String
    package var prepaid: Bool
    /// "sell", "purchase" or "max".
    package var basis: String
    /// Windows whose block ends by itself.
    package var release: [String]

    package init(
      call: String, concurrent: String, paidCalls: Int, pricePerMinute: String,
      connectionFee: String, prepaid: Bool, basis: String, release: [String]
    ) {
      (self.call, self.concurrent, self.paidCalls) = (call, concurrent, paidCalls)
      (self.pricePerMinute, self.connectionFee) = (pricePerMinute, connectionFee)
      (self.prepaid, self.basis, self.release) = (prepaid, basis, release)
    }

    enum CodingKeys: String, CodingKey {
      case call, concurrent
      case paidCalls = "paid_calls"
      case pricePerMinute = "price_per_minute"
      case connectionFee = "connection_fee"
      case prepaid, basis, release
    }

    /// Name and value, for people.
    package var rows: [(String, String)] {
      [
        ("cost of one call", call), ("paid calls at a time", "\(concurrent), \(paidCalls) now"),
        ("price per minute", pricePerMinute), ("connection fee", connectionFee),
        ("prepaid", prepaid ? "yes" : "no"), ("price that counts", basis),
        ("ends by itself", release.isEmpty ? "none" : release.joined(separator: ", ")),
      ]
    }
  }

  /// One limit in one window.
  package struct Row: Codable, Sendable {
    /// "money", "international" or "attempts".
    package var metric: String
    /// "hour", "day" or "month".
    package var window: String
    /// "calendar" or "rolling".
    package var kind: String
    package var limit: String
    package var spent: String
    package var reserved: String
    /// Given at unblocking, on top of the limit.
    package var granted: String
    package var left: String

    package init(
      metric: String, window: String, kind: String, limit: String, spent: String, reserved: String,
      granted: String, left: String
    ) {
      (self.metric, self.window, self.kind, self.limit) = (metric, window, kind, limit)
      (self.spent, self.reserved) = (spent, reserved)
      (self.granted, self.left) = (granted, left)
    }
  }

  /// Since when and why paid calls are refused.
  package struct Block: Codable, Sendable {
    /// ISO 8601 in UTC.
    package var since: String
    package var reason: String

    package init(since: String, reason: String) {
      (self.since, self.reason) = (since, reason)
    }
  }

  package init(
    level: String, tenant: String?, extension number: String?, limits: [Row], ceilings: Ceilings,
    blocked: Block?, balance: String? = nil
  ) {
    self.ceilings = ceilings
    self.balance = balance
    (self.level, self.tenant, self.extension) = (level, tenant, number)
    (self.limits, self.blocked) = (limits, blocked)
  }
}

/// What an apply did.
package struct ApplyReport: Codable, Sendable {
  /// One line for each thing added, changed or removed.
  package var changes: [String]
  /// Passwords made for phones and webhooks that came without one: shown now and never again.
  package var generated: [GeneratedPassword]
  /// Why the running server does not go by it yet; nil when it does, or none runs.
  package var note: String?
  /// Who was there and is kept out from now on, as was asked for; nil for nobody.
  package var lockedOut: [LockOutReport]?

  /// A password that is handed over once.
  package struct GeneratedPassword: Codable, Sendable {
    package enum Purpose: String, Codable, Sendable {
      case phone, webhook
    }

    package var purpose: Purpose
    /// Nil for a webhook of the platform.
    package var tenant: String?
    /// Number of the extension, or of all that the phone serves, with commas; nil for a webhook.
    package var `extension`: String?
    /// The user name of a phone, the address of a webhook.
    package var user: String
    package var password: String

    package init(
      purpose: Purpose, tenant: String?, extension number: String?, user: String, password: String
    ) {
      (self.purpose, self.tenant, self.extension) = (purpose, tenant, number)
      (self.user, self.password) = (user, password)
    }
  }

  package init(
    changes: [String], generated: [GeneratedPassword], lockedOut: [LockOutReport]? = nil
  ) {
    (self.changes, self.generated, self.lockedOut) = (changes, generated, lockedOut)
  }

  enum CodingKeys: String, CodingKey {
    case changes, generated, note
    case lockedOut = "locked_out"
  }
}
