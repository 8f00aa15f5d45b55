import ConfigurationFiles
import Directory
import Elements

// Secrets that are kept as they are: those for carriers, and those of webhooks.

extension ConfigurationAudit {
  private static let shortestKey = 16

  func secrets() -> [AuditFinding] {
    let trunks = document.trunks.flatMap { trunk in
      [trunk.registration?.credentials, trunk.credentials].compactMap(\.self)
        .compactMap { credentials in
          weakness(
            of: credentials.password, PasswordRule.shortest, [credentials.username, trunk.name]
          ).map { weakness in
            AuditFinding(
              .trunkPassword, at: .trunk(trunk.name),
              "The password of trunk \(trunk.name) for \(credentials.username) \(weakness).")
          }
        }
    }
    let tenants = document.tenants.flatMap { tenant in
      webhooks(tenant.notices, at: .tenant(tenant.name), [tenant.name, tenant.domain])
    }
    return trunks + tenants + webhooks(document.platform.notices, at: .platform, [])
  }

  private func webhooks(
    _ notices: NoticeEntry, at place: AuditFinding.Place, _ names: [String]
  ) -> [AuditFinding] {
    notices.webhooks.compactMap { webhook in
      weakness(of: webhook.secret, Self.shortestKey, names).map { weakness in
        AuditFinding(.webhookSecret, at: place, "The secret of \(webhook.url) \(weakness).")
      }
    }
  }

  private func weakness(of secret: SecretText, _ shortest: Int, _ names: [String]) -> String? {
    let text = String(decoding: secret.value.exposed, as: UTF8.self)
    guard text.count >= shortest else {
      return "has fewer than \(shortest) characters"
    }
    return PasswordRule.weakness(of: text, names).map { "is \($0)" }
  }
}
