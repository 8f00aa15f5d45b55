import Switch

/// The Prometheus text of a server: counters end in `_total`, names say the unit.
struct MetricsPage {
  private(set) var text = ""

  /// One figure without labels.
  mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: some BinaryInteger) {
    head(name, kind, help)
    text += "\(name) \(value)\n"
  }

  /// One figure for each value of a label, in the order given.
  mutating func add(
    _ name: String, _ kind: Kind, _ help: String, label: String, _ rows: [(String, Int)]
  ) {
    head(name, kind, help)
    for (value, figure) in rows {
      let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        .replacing("\n", with: "\\n")
      text += "\(name){\(label)=\"\(escaped)\"} \(figure)\n"
    }
  }

  enum Kind: String {
    case counter, gauge
  }

  private mutating func head(_ name: String, _ kind: Kind, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
  }

  /// The figures of the switch.
  mutating func add(_ status: SwitchStatus) {
    add("martinet_calls", .gauge, "Calls being set up, running or ending.", status.callsActive)
    add("martinet_calls_talking", .gauge, "Calls that are answered.", status.callsTalking)
    add("martinet_calls_total", .counter, "Calls since the start.", status.callsTotal)
    add("martinet_calls_answered_total", .counter, "Calls answered.", status.callsAnswered)
    add(
      "martinet_calls_refused_by_limit_total", .counter, "Paid calls that a limit refused.",
      status.callsRefusedByLimit)
    add("martinet_registrations", .gauge, "Bindings of phones.", status.registrations)
    add(
      "martinet_transactions", .gauge, "SIP transactions, those that have ended a moment ago too.",
      status.transactions)
    add(
      "martinet_register_requests_total", .counter, "REGISTER requests.", status.registerRequests)
    add(
      "martinet_authentication_failures_total", .counter, "Requests with wrong credentials.",
      status.authenticationFailures)
    add("martinet_bans", .gauge, "Networks, and users of networks, that are banned.", status.bans)
    add(
      "martinet_listed", .gauge, "Networks that are banned for what others list.", status.listed)
    add("martinet_bans_total", .counter, "Bans since the start.", status.bansTotal)
    add(
      "martinet_dropped_banned_total", .counter, "Messages from banned networks, not looked at.",
      status.droppedBanned)
    add(
      "martinet_dropped_over_budget_total", .counter,
      "Messages of strangers that asked too often, not looked at.", status.droppedOverBudget)
    add(
      "martinet_calls_over_rate_total", .counter,
      "Calls refused because their account begins too many at once.", status.callsOverRate)
    add("martinet_trunks_up", .gauge, "Trunks that answer.", status.trunksUp)
    add("martinet_trunks_down", .gauge, "Trunks that do not answer.", status.trunksDown)
    add(
      "martinet_journal_sequence", .gauge, "Batches handed to the journal.",
      status.journalSequence)
    add(
      "martinet_journal_durable_sequence", .gauge, "Batches known to be on disk.",
      status.journalDurableThrough)
    add(
      "martinet_journal_failed", .gauge,
      "1 while nothing can be written and paid calls are refused.",
      status.journalFailed ? 1 : 0)
    add(
      "martinet_calls_poisoned_total", .counter, "Calls ended because of a fault of ours.",
      status.callsPoisoned)
    add(
      "martinet_blocked", .gauge,
      "Accounts, tenants and trunks whose paid calls are refused until somebody unblocks them.",
      status.blocked)
    add("martinet_draining", .gauge, "1 while no new calls are taken.", status.draining ? 1 : 0)
  }
}
