// Inputs that once failed: the target, and the input in base64.
export const KEPT: readonly (readonly [target: string, input: string])[] = [
  // a template that calls itself with ever longer text
  [
    'template',
    'e3tkZWZpbmUgInQifX17e2VuZH19e3t0ZW1wbGF0ZSAidCIgJ2MnfX17e2RlZmluZSAidCJ9fXt7ZGVmaW5lICJ0In19e3tlbmR9fXt7dGVtcGxhdGUgInQiIGpzb24gLn19e3stIGh0bWwgLkEgfCBodG1sIC5BIC19fXt7ZW5kfX17e3RlbXBsYXRlICJ0IiBsdCAuTiAiYSJ9fXt7LyogLk4gKi99fSAuTg==',
  ],
  // an indented instruction on the last line, with a heredoc that does not end
  ['dockerfile', 'RlJPTSBzY3JhdGNoCiAgUlVOIGNhdCA8PEU='],
];
