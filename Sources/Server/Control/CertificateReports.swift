import ACME
import API
import Elements
import Net

extension CertificateReport {
  /// The certificates in use, and behind them those that no authority has given yet.
  static func all(
    _ states: [CertificateState], _ configuration: Configuration
  ) -> [CertificateReport] {
    let wishes = configuration.acme
    let there = states.map { state in
      var report = CertificateReport(
        folder: state.name, names: state.names, until: state.end?.iso8601, renewal: nil,
        complaint: state.complaint.map { "\($0)" })
      if let wish = wishes.names.first(where: { IssuedCertificate.prefix + $0 == state.name }) {
        report.add(IssuedCertificate(wish, in: configuration.tls), wishes)
      }
      return report
    }
    let missing = wishes.names.filter { name in
      !states.contains { $0.name == IssuedCertificate.prefix + name }
    }
    return there
      + missing.map { name in
        var report = CertificateReport(
          folder: IssuedCertificate.prefix + name, names: [name], until: nil, renewal: nil,
          complaint: nil)
        report.add(IssuedCertificate(name, in: configuration.tls), wishes)
        return report
      }
  }

  private mutating func add(_ issued: IssuedCertificate, _ wishes: AuthorityWishes) {
    guard let directory = wishes.directory else { return }
    let plan = issued.note(for: directory).plan
    renewal = plan.next(life: issued.life(at: directory))?.iso8601
    complaint = complaint ?? plan.complaint
  }
}
