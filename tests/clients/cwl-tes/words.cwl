cwlVersion: v1.0
class: CommandLineTool
doc: Counts the words of a text.
baseCommand: [sh, -c]
arguments: ['wc -w; echo made > made.txt; exit $0']
inputs:
  code:
    type: int
    inputBinding: {position: 1}
  text:
    type: File
stdin: $(inputs.text.path)
stdout: count.txt
successCodes: [0, 7]
outputs:
  count:
    type: stdout
  made:
    type: File
    outputBinding: {glob: made.txt}
