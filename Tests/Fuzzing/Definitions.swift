@testable import Cleaning
@testable import EventLog

/// Contracts: the file, and behind a line of three points bytes to clean under it.
@Sendable func fuzzContract(_ input: [UInt8]) {
    let mark = Array("\n...\n".utf8)
    var end = input.count
    if input.count >= mark.count {
        for at in 0...(input.count - mark.count) where input[at] == 10 && input[at..<(at + mark.count)].elementsEqual(mark) {
            end = at + 1
            break
        }
    }
    let yaml = Array(input[..<end])
    let data = Array(input.dropFirst(end + mark.count - 1))
    let path = "zones/made/up.yml"
    switch attempt(ContractError.self, { try Contract.parse(yaml, path: path) }) {
    case .failure(let error):
        let lines = String(decoding: yaml, as: UTF8.self).split(omittingEmptySubsequences: false) { $0.isNewline }
        check(error.path == path && !error.message.isEmpty, "\(error)")
        // YAML ends behind its last line end, and that is where things are missing.
        check((1...lines.count + 1).contains(error.line), "\(error) in \(lines.count) lines")
        check(error.column >= 1 && error.column <= yaml.count + 1, "\(error)")
        check(!error.description.isEmpty, "an error without words")
    case .success(let contract):
        // A comment before it changes nothing.
        if !yaml.starts(with: [0xEF, 0xBB, 0xBF]) {
            let again = attempt(ContractError.self) { try Contract.parse(Array("# made up\n".utf8) + yaml, path: path) }
            check(again.value.map { described($0) == described(contract) } ?? false, "with a comment: \(String(describing: again.failure))")
        }
        checkUse(of: contract, data)
    }
}

/// A contract that was accepted can be used on any bytes.
private func checkUse(of contract: Contract, _ data: [UInt8]) {
    var chance = InputChance(data)
    let facts = Subjects.facts(contract, &chance)
    let files = [data, Array("a,b\n1,2\n".utf8), Array("{\"a\":1,\"data\":[{\"a\":1,\"b\":null}]}\n".utf8)]
    for file in files {
        _ = Recognizer(contracts: [contract]).recognise(fileName: "a_2025-01-01_b.csv", head: file)
        let raw = contract.shape.isDocument ? unpacked(file, contract)?.raw ?? file : file
        let whole = Outcome(of: [raw[...]], contract, facts)
        whole.checkAgainst(raw, contract)
        checkPieces(raw, whole, contract, facts, &chance)
    }
}

private func described(_ contract: Contract) -> String {
    // Dictionaries have no order of their own.
    var bare = contract
    var members: [String] = []
    for index in bare.columns.indices {
        members.append(bare.columns[index].members.sorted { $0.key < $1.key }.description)
        bare.columns[index].members = [:]
    }
    members += bare.ignored.sorted()
    bare.ignored = []
    return "\(bare) \(members)"
}

/// The log's own JSON: values, canonical bytes, whole events.
@Sendable func fuzzCanonical(_ input: [UInt8]) {
    var canonical: [UInt8]?
    switch attempt(JSONError.self, { try JSON.parse(input) }) {
    case .failure(let error):
        check((0...input.count).contains(error.offset), "\(error) in \(input.count) bytes")
    case .success(let value):
        let written = attempt(JSONError.self) { try value.canonical() }
        let again = written.value.flatMap { try? JSON.parse($0) }
        check(again == value, "written and read again: \(value), \(String(describing: written.failure))")
        check((try? again?.canonical()) == written.value, "written twice: \(value)")
        check((try? Document(input)) != nil, "the cleaner's parser refuses what this one reads")
        canonical = written.value
        if let written = written.value { check(checked(written) == nil, "\(String(describing: checked(written)))") }
    }
    // Keys that differ in their normal form alone pass the check of the bytes; who appends foreign bytes parses them as well.
    if let canonical {
        check((checked(input) == nil) == (canonical == input), "canonical or not: \(String(decoding: input, as: UTF8.self))")
    }
    checkEvent(input)
}

private func checked(_ bytes: [UInt8]) -> JSONError? {
    attempt(JSONError.self) {
        var at = 0
        try JSONText.checkCanonical(bytes.span, &at, depth: 0)
        if at != bytes.count { throw JSONError(.trailingBytes, at: at, "bytes follow the JSON value") }
    }.failure
}

/// Bytes that are an event are canonical JSON with that event's fields.
private func checkEvent(_ bytes: [UInt8]) {
    switch attempt(JSONError.self, { try Event(canonical: bytes) }) {
    case .failure(let error): check((0...bytes.count).contains(error.offset), "\(error) in \(bytes.count) bytes")
    case .success(let event):
        let value = try? JSON.parse(bytes)
        check((try? value?.canonical()) == bytes, "an event that is not canonical JSON")
        check(value?["type"]?.string == event.type && value?["seq"]?.int == event.seq, "an event with other fields")
        check(value?["body"] == event.body && value?["stream"]?.string == event.stream, "an event with other fields")
    }
}
