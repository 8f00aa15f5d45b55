import API
import Elements
import Server
import Store
import Testing

@Suite struct ChangesTests {
  @Test("Changes come newest first, of the platform and of each tenant, with who, what and why")
  func listed() throws {
    let folder = try ServedFolder()
    let change = LimitChange([.hour: "12.50"])
    _ = try folder.administration.setLimits(
      of: .tenant("office"), change: change, by: "berta")
    let all = try folder.administration.changes(tenant: nil, limit: 100)
    #expect(all.map(\.at) == all.map(\.at).sorted(by: >))
    #expect(Set(all.map(\.by)) == ["anna", "berta"])
    let newest = try #require(all.first { $0.tenant == "office" })
    #expect(newest.by == "berta" && newest.action == "configuration.applied")
    #expect(!newest.detail.isEmpty)
    #expect(try folder.administration.changes(tenant: "office", limit: 1).map(\.by) == ["berta"])
    #expect(try folder.administration.changes(tenant: nil, limit: 0).isEmpty)
    #expect(all.contains { $0.tenant == nil && $0.by == "anna" })
  }

  @Test("A tenant that there is not has no changes, and the way out is said")
  func unknown() throws {
    let folder = try ServedFolder()
    #expect(throws: (any Error).self) {
      try folder.administration.changes(tenant: "nobody", limit: 10)
    }
  }
}
