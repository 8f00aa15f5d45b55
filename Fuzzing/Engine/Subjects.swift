extension Run {
  /// All there are, in the order of the floors.
  static var subjects: [any Subject.Type] {
    [
      MessageSubject.self, StreamSubject.self, HeaderSubject.self, DescriptionSubject.self,
      PacketSubject.self, SealedSubject.self, RelaySubject.self, KeepAliveSubject.self,
      NumberSubject.self, RateSubject.self, DirectorySubject.self, ConfigurationSubject.self,
      SwitchSubject.self,
    ]
  }
}
