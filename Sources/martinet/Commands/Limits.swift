import API
import ArgumentParser

struct Limits: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "What accounts, trunks and the platform may spend: show, set, block, unblock, and pay in.",
    subcommands: [
      Show.self, Set.self, Block.self, Unblock.self, Deposit.self, AcceptClock.self,
      Replay.self,
    ],
    defaultSubcommand: Show.self)

  /// An extension, or a tenant as a whole.
  struct Account: ParsableArguments {
    @Option(help: "Name of the tenant.")
    var tenant: String?

    @Option(help: "Number of the extension.")
    var `extension`: String?

    func validate() throws {
      if self.extension != nil, tenant == nil {
        throw ValidationError("\(LimitTarget.Unclear.extensionAlone)")
      }
    }
  }

  /// Whose limits are meant.
  struct Target: ParsableArguments {
    @OptionGroup var account: Account

    @Option(help: "Name of the trunk.")
    var trunk: String?

    @Flag(help: "All tenants and trunks together.")
    var platform = false

    var isEmpty: Bool { account.tenant == nil && trunk == nil && !platform }

    /// The one that is named; a sentence about the options when it is none or several.
    func named() throws -> LimitTarget {
      do throws(LimitTarget.Unclear) {
        return try LimitTarget(
          tenant: account.tenant, extension: account.extension, trunk: trunk, isPlatform: platform)
      } catch {
        throw ValidationError("\(error)")
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Each limit: spent, reserved, left; and what is blocked.")

    @OptionGroup var target: Target
    @OptionGroup var options: LookingOptions

    func validate() throws {
      if !target.isEmpty { _ = try target.named() }
    }

    func run() throws {
      let request = ControlRequest.limits(of: target.isEmpty ? nil : try target.named())
      guard case .limits(let reports) = try options.ask(request) else { return }
      if options.json {
        for report in reports { try JSONLine.print(report) }
        return
      }
      for report in reports {
        let name = [report.tenant, report.extension, report.trunk].compactMap(\.self).joined(
          separator: " ")
        print(name.isEmpty ? report.level : "\(report.level) \(name)")
        if let block = report.blocked {
          print("  BLOCKED since \(block.since): \(block.reason)")
        }
        if let balance = report.balance { print("  PREPAID \(balance) left") }
        if let habits = report.habits { print("  \(habits.words)") }
        let table = TextTable(
          rows: report.limits,
          columns: [
            ("  METRIC", { "  \($0.metric)" }), ("WINDOW", { "\($0.kind) \($0.window)" }),
            ("LIMIT", { $0.limit }), ("SPENT", { $0.spent }), ("RESERVED", { $0.reserved }),
            ("GRANTED", { $0.granted }),
            ("LEFT", { $0.left }),
          ])
        print(table)
        let ceilings = report.ceilings.rows
        print(
          TextTable(rows: ceilings, columns: [("  RULE", { "  \($0.0)" }), ("VALUE", { $0.1 })]))
      }
    }
  }

  struct Set: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Changes limits; the owner is told of it.",
      discussion: """
        Each option takes what the key of the configuration file takes, and two words more. `none` takes the \
        limit away: those of the other levels hold on. `default` puts back what holds where nothing is said: \
        for an extension what `extension_limits` of its tenant has, for the others no limit. What is not \
        named stays as it is.
        """)

    @OptionGroup var target: Target
    @OptionGroup var options: LookingOptions
    @Option(help: "Spend per hour, in units of the tenant's currency.") var hour: String?
    @Option(help: "Spend per day.") var day: String?
    @Option(help: "Spend per month.") var month: String?
    @Option(help: "Most that a single call may cost.") var call: String?
    @Option(help: "International calls per hour.") var internationalHour: String?
    @Option(help: "International calls per day.") var internationalDay: String?
    @Option(help: "International calls per month.") var internationalMonth: String?
    @Option(help: "Tries to call out for money, per hour.") var attemptsPerHour: String?
    @Option(help: "Paid calls at the same time.") var concurrent: String?
    @Option(help: "Dearest price per minute that may be called.") var pricePerMinute: String?
    @Option(help: "Dearest connection fee that may be called.") var connectionFee: String?
    @Option(help: "Whether it spends what was paid in, and no more: true or false.")
    var prepaid: String?
    @Option(help: "Which price counts: sell, purchase, or max, the dearer of both.")
    var basis: String?
    @Option(help: "Windows whose block ends by itself: hour, day and month with commas.")
    var release: String?
    @Option(help: "Where calls are not as usual: stop, tell or off.")
    var habits: String?

    private var change: LimitChange {
      let given: [LimitOption: String?] = [
        .hour: hour, .day: day, .month: month, .call: call, .internationalHour: internationalHour,
        .internationalDay: internationalDay, .internationalMonth: internationalMonth,
        .attemptsPerHour: attemptsPerHour, .concurrent: concurrent,
        .pricePerMinute: pricePerMinute, .connectionFee: connectionFee, .prepaid: prepaid,
        .basis: basis, .release: release, .habits: habits,
      ]
      return LimitChange(given.compactMapValues(\.self))
    }

    func validate() throws {
      _ = try target.named()
      if change.isEmpty {
        throw ValidationError("Nothing to change: give at least one limit, such as --day 20.")
      }
    }

    func run() throws {
      let request = try ControlRequest.setLimits(
        of: target.named(), change: change, by: Person.name)
      try options.order(request)
    }
  }

  struct Block: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Refuses paid calls until somebody unblocks them; the owner is told.",
      discussion: """
        Incoming, internal and emergency calls go on. Running paid calls end with the time that is paid for; \
        `martinet calls` shows them. No window and no raised limit ends a block by hand.
        """)

    @OptionGroup var target: Target
    @OptionGroup var options: LookingOptions
    @Option(help: "Why, for the owner and the audit trail.") var reason = "blocked by the operator"

    func validate() throws {
      _ = try target.named()
    }

    func run() throws {
      let request = try ControlRequest.block(target.named(), reason: reason, by: Person.name)
      try options.order(request)
    }
  }

  struct Unblock: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lets paid calls out again after a block.",
      discussion: """
        Of an extension that was stopped for calls that were not as usual, such calls are usual from now on. \
        After a theft give --theft, so that the thief's are not, and change the password before.
        """)

    @OptionGroup var target: Target
    @OptionGroup var options: LookingOptions
    @Option(help: "Why, for the audit trail.") var reason = "unblocked by the operator"
    @Flag(help: "The odd calls of the extension were a thief's.") var theft = false

    func validate() throws {
      _ = try target.named()
      if theft, target.account.extension == nil {
        throw ValidationError("--theft needs --extension: whose calls a thief has made.")
      }
    }

    func run() throws {
      let request = try ControlRequest.unblock(
        target.named(), isTheft: theft, reason: reason, by: Person.name)
      try options.order(request)
    }
  }

  struct Deposit: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Pays money in for a prepaid extension or tenant.",
      discussion: """
        A reference counts once for each extension or tenant, and once more with --take-back, so that a \
        payment that is sent again is not paid in twice.
        """)

    @OptionGroup var account: Account
    @OptionGroup var options: LookingOptions
    @Option(help: "The payment's own number; it counts once.") var reference: String
    @Flag(help: "Takes the amount back, where more was paid in than was due.")
    var takeBack = false
    @Argument(help: "Units of the tenant's currency, such as 12.50.") var amount: String

    func validate() throws {
      if account.tenant == nil { throw ValidationError("--tenant says whose money it is.") }
    }

    func run() throws {
      let request = ControlRequest.deposit(
        tenant: account.tenant ?? "", extension: account.extension,
        amount: amount, reference: reference, takesBack: takeBack, by: Person.name)
      try options.order(request)
    }
  }

  struct AcceptClock: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Takes the machine's clock as right, after one that stood ahead.",
      discussion: """
        Hours, days and months never go back by themselves, so that nobody gets an allowance twice. After \
        a clock that stood ahead they wait until time has caught up, and this command ends the wait. What \
        was counted stays counted.
        """)

    @OptionGroup var options: LookingOptions

    func run() throws {
      try options.order(.acceptClock(by: Person.name))
    }
  }
}
