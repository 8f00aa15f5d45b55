import Directory

/// Limits that count the purchase price need one: without a deck of purchase prices there is none, and no other
/// price may silently stand for it.
///
/// Not a rule of the compiler: what is in force since before this rule goes on, and its calls are refused as those
/// without a price.
enum BasisCheck {
  private static func message(_ trunk: String) -> String {
    "counts purchase prices, and there are none for trunk \"\(trunk)\": give the tenant or the trunk "
      + "\"rates\" with \"purchase\", or count sell"
  }

  static func problems(of document: DirectoryDocument) -> [DirectoryProblem] {
    var problems: [DirectoryProblem] = []
    var isPlatformTold = false
    var toldTrunks: Set<String> = []
    for (index, tenant) in document.tenants.enumerated() where tenant.rates.purchase == nil {
      let path = FieldPath().key("tenants").item(index, tenant.name)
      let bare = tenant.trunks.compactMap { name in
        document.trunks.firstIndex { $0.name == name && $0.purchase == nil }
      }
      guard let first = bare.first else { continue }
      let words = message(document.trunks[first].name)
      if tenant.limits.basis == .purchase {
        problems.append(DirectoryProblem(path.key("limits").key("basis"), words))
      }
      for (number, line) in tenant.extensions.enumerated()
      where line.limits?.basis == .purchase {
        let path = path.key("extensions").item(number, line.number)
        problems.append(DirectoryProblem(path.key("limits").key("basis"), words))
      }
      for trunk in bare
      where document.trunks[trunk].limits.basis == .purchase
        && toldTrunks.insert(document.trunks[trunk].name).inserted
      {
        let name = document.trunks[trunk].name
        let path = FieldPath().key("trunks").item(trunk, name)
        problems.append(DirectoryProblem(path.key("limits").key("basis"), message(name)))
      }
      if document.platform.limits.basis == .purchase, !isPlatformTold {
        isPlatformTold = true
        problems.append(
          DirectoryProblem(FieldPath().key("platform").key("limits").key("basis"), words))
      }
    }
    return problems
  }
}
