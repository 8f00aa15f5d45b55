import Directory
import Elements
import Limits

// Subjects of limits as people know them, and their amounts.

extension SwitchCore {
  /// As people know it: "office 101".
  func name(of subject: LimitSubject) -> String {
    switch subject {
    case .account(let account):
      rules.directory.line(paying: account).map { "\($0.tenant.name) \($0.digits)" }
        ?? "\(subject)"
    case .tenant(let tenant): rules.directory.tenant(tenant)?.name ?? "\(subject)"
    case .trunk(let trunk): rules.directory.trunk(trunk)?.name ?? "\(subject)"
    case .platform: "\(subject)"
    }
  }

  func tenant(of subject: LimitSubject) -> TenantID? {
    switch subject {
    case .account(let account): rules.directory.line(paying: account)?.tenant.id
    case .tenant(let tenant): tenant
    case .trunk, .platform: nil
    }
  }

  func amount(_ value: Int64, _ meter: Meter, of subject: LimitSubject) -> String {
    switch meter.quantity {
    case .money: Money(micros: value, currency(of: subject)).description
    case .international, .attempts: "\(value)"
    }
  }

  private func currency(of subject: LimitSubject) -> Currency {
    let platform = Currency(rules.directory.platform.currency) ?? .eur
    switch subject {
    case .account(let account):
      return rules.directory.line(paying: account)?.tenant.currency ?? platform
    case .tenant(let tenant): return rules.directory.tenant(tenant)?.currency ?? platform
    case .trunk, .platform: return platform
    }
  }
}
