import ConfigurationFiles
package import API
import Directory
import Elements
import Store

extension Administration {
  /// Changes the limits of one subject; the owner is told.
  package func setLimits(
    of target: LimitTarget, change: LimitChange, by person: String
  ) throws -> String {
    try inTurn { try editLimits(of: target, change: change, by: person) }
  }

  private func editLimits(
    of target: LimitTarget, change: LimitChange, by person: String
  ) throws -> String {
    var document = document()
    let (subject, others, words): (String, String, String)
    switch target {
    case .account(let name, let number):
      let index = try document.place(ofTenant: name)
      guard
        let line = document.tenants[index].extensions.firstIndex(where: { $0.number == number })
      else {
        throw ConfigurationError(
          field: "extension", problem: "\(name) has no extension \"\(number)\"",
          wayOut: "`martinet export` lists them.")
      }
      let usual = document.tenants[index].extensionLimits
      var limits = document.tenants[index].extensions[line].limits ?? usual
      words = try limits.apply(change, usual: usual)
      // Who is back at what the tenant says follows the tenant again.
      let follows = change.values.values.contains(LimitChange.usual) && limits == usual
      document.tenants[index].extensions[line].limits = follows ? nil : limits
      (subject, others) = ("extension \(number) of \(name)", "its tenant, trunks and the platform")
    case .tenant(let name):
      let index = try document.place(ofTenant: name)
      words = try document.tenants[index].limits.apply(change, usual: LimitEntry())
      (subject, others) = ("tenant \(name)", "its extensions, trunks and the platform")
    case .trunk(let name):
      guard let index = document.trunks.firstIndex(where: { $0.name == name }) else {
        throw ConfigurationError.unknownTrunk(name, known: document.trunks.map(\.name))
      }
      guard change.values[.habits] == nil else {
        throw ConfigurationError(
          field: LimitOption.habits.rawValue, problem: "a trunk has none",
          wayOut: "Set it for an extension, a tenant or the platform.")
      }
      try checkCredit(in: change)
      words = try document.trunks[index].limits.apply(change, usual: LimitEntry())
      (subject, others) = ("trunk \(name)", "extensions, tenants and the platform")
    case .platform:
      try checkCredit(in: change)
      words = try document.platform.limits.apply(change, usual: LimitEntry())
      (subject, others) = ("the platform", "extensions, tenants and trunks")
    }
    try adopt(document, by: person)
    let isTaken = change.values.values.contains(LimitChange.none)
    return "The limits of \(subject) are changed: \(words)."
      + (isTaken ? " Where it says none, only the limits of \(others) hold from now on." : "")
  }
}

/// That nobody is to spend what nobody can pay in.
private func checkCredit(in change: LimitChange) throws {
  guard change.values[.prepaid] == "true" else { return }
  throw ConfigurationError(
    field: LimitOption.prepaid.rawValue, problem: "nobody pays in for it",
    wayOut: "Set it for an extension or a tenant.")
}

extension DirectoryDocument {
  fileprivate func place(ofTenant name: String) throws -> Int {
    guard let index = tenants.firstIndex(where: { $0.name == name }) else {
      throw ConfigurationError(
        field: "tenant", problem: "there is no tenant \"\(name)\"",
        wayOut: "`martinet export` lists them.")
    }
    return index
  }
}

extension LimitEntry {
  /// Takes over what the change names; `usual` is what holds where nothing is said.
  ///
  /// - Returns: "day 20, call none, concurrent 10 (default)".
  mutating func apply(_ change: LimitChange, usual: LimitEntry) throws -> String {
    var words: [String] = []
    for option in LimitOption.allCases {
      guard let text = change.values[option] else { continue }
      if text == LimitChange.usual {
        take(option, from: usual)
        words.append("\(option.words) \(shown(option)) (default)")
      } else {
        try set(option, to: text)
        words.append("\(option.words) \(shown(option))")
      }
    }
    return words.joined(separator: ", ")
  }

  private mutating func take(_ option: LimitOption, from usual: LimitEntry) {
    switch option.place {
    case .money(let path), .count(let path): self[keyPath: path] = usual[keyPath: path]
    case .prepaid: isPrepaid = usual.isPrepaid
    case .basis: basis = usual.basis
    case .release: releases = usual.releases
    case .habits: habits = usual.habits
    }
  }

  private mutating func set(_ option: LimitOption, to text: String) throws {
    func wrong(_ problem: String, _ wayOut: String) -> ConfigurationError {
      ConfigurationError(
        field: option.rawValue, problem: "\"\(text)\" \(problem)", wayOut: wayOut)
    }
    let isNone = text == LimitChange.none
    switch option.place {
    case .money(let path):
      if isNone { return self[keyPath: path] = nil }
      guard let amount = DecimalAmount(text), amount.micros >= 0 else {
        throw wrong(
          "is not an amount of money", "Write units of the currency with a point: 12.50, or none.")
      }
      self[keyPath: path] = amount.micros
    case .count(let path):
      if isNone { return self[keyPath: path] = nil }
      guard let count = Int64(text), count >= 0 else {
        throw wrong("is not a number of calls", "Write 0 or more, or none.")
      }
      self[keyPath: path] = count
    case .prepaid:
      guard let truth = ["true": true, "false": false][text] else {
        throw wrong("is not a choice", "Write true or false.")
      }
      isPrepaid = truth
    case .basis:
      guard let word = PriceBasis(rawValue: text) else {
        throw wrong("is not a price", "Write sell, purchase, or max for the dearer of both.")
      }
      basis = word
    case .release:
      let names = isNone ? [] : text.split { $0 == "," || $0.isWhitespace }
      releases = try names.map { name in
        guard let period = LimitPeriod(rawValue: String(name)) else {
          throw wrong("has an unknown window", "Write hour, day and month with commas, or none.")
        }
        return period
      }
    case .habits:
      guard let rule = HabitRule(rawValue: text) else {
        throw wrong("is not a choice", "Write stop, tell or off.")
      }
      habits = rule
    }
  }

  /// The value in force, as the configuration file would have it.
  private func shown(_ option: LimitOption) -> String {
    switch option.place {
    case .money(let path):
      self[keyPath: path].map(LimitWriter.decimal) ?? LimitChange.none
    case .count(let path): self[keyPath: path].map(String.init) ?? LimitChange.none
    case .prepaid: "\(isPrepaid)"
    case .basis: basis?.rawValue ?? "as the level above"
    case .release:
      releases.isEmpty ? LimitChange.none : releases.map(\.rawValue).joined(separator: ",")
    case .habits: habits?.rawValue ?? "as the level above"
    }
  }
}

extension LimitOption {
  /// Where a limit stands, and of which kind it is.
  fileprivate enum Place {
    /// Millionths of the currency.
    case money(WritableKeyPath<LimitEntry, Int64?>)
    case count(WritableKeyPath<LimitEntry, Int64?>)
    case prepaid, basis, release, habits
  }

  fileprivate var place: Place {
    switch self {
    case .hour: .money(\.spend.hourMicros)
    case .day: .money(\.spend.dayMicros)
    case .month: .money(\.spend.monthMicros)
    case .call: .money(\.spend.callMicros)
    case .internationalHour: .count(\.international.hour)
    case .internationalDay: .count(\.international.day)
    case .internationalMonth: .count(\.international.month)
    case .attemptsPerHour: .count(\.attemptsPerHour)
    case .concurrent: .count(\.concurrent)
    case .pricePerMinute: .money(\.pricePerMinuteMicros)
    case .connectionFee: .money(\.connectionFeeMicros)
    case .prepaid: .prepaid
    case .basis: .basis
    case .release: .release
    case .habits: .habits
    }
  }

  /// "international per hour", "price per minute".
  fileprivate var words: String {
    switch self {
    case .internationalHour: "international per hour"
    case .internationalDay: "international per day"
    case .internationalMonth: "international per month"
    case .attemptsPerHour, .pricePerMinute, .connectionFee:
      rawValue.replacing("-", with: " ")
    case .hour, .day, .month, .call, .concurrent, .prepaid, .basis, .release, .habits: rawValue
    }
  }
}
