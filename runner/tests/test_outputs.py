"""What a task leaves: files, folders, patterns, links.

Names begin with the case number of the runtime study.
"""

import os
import stat

from support.case import USER, Case, is_executable
from support.marks import core, only


class Outputs(Case):
    @core
    def test_R09_one_folder_for_all(self):
        path = self.write('in', 'x' * 100)
        report = self.run_plan(
            [
                self.sh(
                    'cat /work/in >/work/a; cat /work/in /work/in >/work/b; echo i >/work/in.idx'
                )
            ],
            inputs=[self.mounted('/work/in', path)],
            outputs=[self.output('/work/a'), self.output('/work/b', i=1)],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(self.outputs_of(report), [('/work/a', 100), ('/work/b', 200)])
        self.assertEqual(report['outputs'][0]['url'], 'file://%s/work_a' % self.out)

    @core
    def test_R10_overlaps(self):
        path = self.write('in', 'input')
        report = self.run_plan(
            [
                self.sh(
                    'mkdir -p "/o/a b" /o/empty; echo x >"/o/a b/f"; echo y >/o/g', stdout='/o/log'
                )
            ],
            inputs=[self.mounted('/o/in', path)],
            outputs=[self.output('/o/', 'tree', type='DIRECTORY'), self.output('/o/g', i=1)],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(sorted(os.listdir(self.out + '/tree')), ['a b', 'empty', 'g', 'in', 'log'])
        self.assertEqual(
            (self.delivered('tree/in'), self.delivered('tree/a b/f'), self.delivered('o_g')),
            ('input', 'x\n', 'y\n'),
        )

    def test_R11_globs(self):
        script = (
            'mkdir -p /w/a1 /w/b2 /w/c3; '
            'for f in a.txt .h.txt b.txt c.dat a1/f1 b2/f2 c3/f3 "lit[1].txt"; '
            'do echo >"/w/$f"; done'
        )
        report = self.run_plan(
            [self.sh(script)],
            outputs=[
                self.output('/w/*.txt', 'g', path_prefix='/w'),
                self.output('/w/[ab]?/f*', 'h', 1, path_prefix='/w/'),
                self.output('/w/none*', 'n', 2, path_prefix='/w'),
                self.output('/w/lit[1].txt', 'lit', 3),
            ],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(sorted(os.listdir(self.out + '/g')), ['a.txt', 'b.txt', 'lit[1].txt'])
        self.assertEqual(sorted(os.listdir(self.out + '/h')), ['a1', 'b2'])
        self.assertTrue(os.path.isfile(self.out + '/h/a1/f1') and os.path.isfile(self.out + '/lit'))
        self.assertTrue(any('was not made' in line for line in report['system_logs']))

    @only('bubblewrap')
    def test_R12_missing_output(self):
        report = self.run_plan([self.sh('true')], outputs=[self.output('/w/none')])
        self.assertState(report, 'COMPLETE')
        self.setUp()
        report = self.run_plan(
            [self.sh('true')], outputs=[self.output('/w/none')], missing_output='error'
        )
        self.assertState(report, 'SYSTEM_ERROR', 'OUTPUT_MISSING')

    @core
    def test_R13_output_of_a_failed_executor(self):
        report = self.run_plan(
            [self.sh('echo partial >/w/f; exit 7')],
            outputs=[self.output('/w/f'), self.output('/w/none', i=1)],
            missing_output='error',
        )
        self.assertState(report, 'EXECUTOR_ERROR')
        self.assertEqual(self.delivered('w_f'), 'partial\n')

    @core
    def test_R14_links(self):
        script = '''mkdir -p /w/t/d; cd /w/t; echo good >d/f; ln -s d/f rel; ln -s /w/t/d abs
            ln -s /etc/passwd secret; ln -s /etc etc; ln -s ../../../../../../etc/passwd up
            ln -s loop loop; ln -s . self; ln -s /nowhere dangling; mkfifo fifo'''
        report = self.run_plan(
            [self.sh(script)],
            outputs=[
                self.output('/w/t', 'links', type='DIRECTORY'),
                self.output('/w/t/secret', 's', 1),
            ],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(sorted(os.listdir(self.out + '/links')), ['abs', 'd', 'rel'])
        self.assertEqual(
            (self.delivered('links/rel'), self.delivered('links/abs/f')), ('good\n', 'good\n')
        )
        self.assertNotIn('s', os.listdir(self.out))

    def test_R15_planted_link_under_a_redirect(self):
        victim = self.write('victim', 'untouched', 0o666)
        report = self.run_plan(
            [self.sh('ln -s "$1" /w/out', victim), self.sh('echo gotcha', stdout='/w/out')],
            outputs=[self.output('/w/x')],
        )
        self.assertState(report, 'SYSTEM_ERROR', 'REDIRECT_FAILED')
        with open(victim) as file:
            self.assertEqual(file.read(), 'untouched')

    def test_planted_link_under_a_mount_point(self):
        path = self.write('in', 'input')
        script = (
            'mkdir /w/gone && mv /w/sub/in /w/gone/ 2>/dev/null; '
            'mv /w/sub /w/moved 2>/dev/null && ln -s /etc /w/sub; true'
        )
        report = self.run_plan(
            [self.sh(script), self.sh('true')],
            inputs=[self.mounted('/w/sub/in', path)],
            volumes=['/w'],
        )
        self.assertIn(report['state'], ('COMPLETE', 'SYSTEM_ERROR'))
        self.assertFalse(os.path.lexists('/etc/in'))

    def test_R37_setuid_and_mode_0(self):
        report = self.run_plan(
            [
                self.sh(
                    'echo x >/w/s; chmod 4755 /w/s; echo y >/w/z; chmod 0 /w/z; '
                    'mkdir /w/d; echo z >/w/d/f; chmod 0 /w/d'
                )
            ],
            outputs=[
                self.output('/w/s'),
                self.output('/w/z', i=1),
                self.output('/w/d', 'd', 2, type='DIRECTORY'),
            ],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(stat.S_IMODE(os.stat(self.out + '/w_s').st_mode), 0o755)
        self.assertEqual((self.delivered('w_z'), self.delivered('d/f')), ('y\n', 'z\n'))

    def test_empty_file_as_old_as_reproducible_builds_make_it(self):
        """What the runner made for a tool that never wrote it is told apart by more than its age."""
        script = ': >/w/a; mkdir /w/d; : >/w/d/b; touch -d @1 /w/a /w/d/b /single'
        report = self.run_plan(
            [self.sh(script)],
            outputs=[
                self.output('/w/a'),
                self.output('/w/d', 'd', 1, type='DIRECTORY'),
                self.output('/single', i=2),
                self.output('/never', i=3),
            ],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(self.outputs_of(report), [('/single', 0), ('/w/a', 0), ('/w/d/b', 0)])
        self.assertEqual(sorted(os.listdir(self.out)), ['d', 'single', 'w_a'])
        self.assertIn('output 3 (/never) was not made', report['system_logs'])

    def test_R37_name_that_is_not_utf8(self):
        """It alone is left out, and told: as a file, as a folder, and where it is all there is."""
        report = self.run_plan(
            [
                self.sh(
                    'bad=$(printf "m\\377"); mkdir -p /w/d/$bad /w/d/z /w/e /w/g; echo x >/w/d/a; '
                    'echo x >"/w/d/n$bad"; echo x >"/w/d/$bad/x"; echo x >/w/d/z/x; '
                    'echo x >"/w/e/$bad"; echo x >"/w/g/$bad"; echo x >/w/g/n'
                )
            ],
            outputs=[
                self.output('/w/d', 'd', type='DIRECTORY'),
                self.output('/w/e/*', 'e', 1, path_prefix='/w/e'),
                self.output('/w/g/*', 'g', 2, path_prefix='/w/g'),
            ],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(
            self.outputs_of(report), [('/w/d/a', 2), ('/w/d/z/x', 2), ('/w/g/n', 2)]
        )
        self.assertEqual((self.delivered('d/a'), self.delivered('d/z/x')), ('x\n', 'x\n'))
        self.assertEqual(sorted(os.listdir(self.out + '/d')), ['a', 'z'])
        told = [line for line in report['system_logs'] if 'not UTF-8' in line]
        self.assertEqual(len(told), 4, told)
        self.assertIn('output 1 (/w/e/*) was not made', report['system_logs'])

    @only('docker', 'podman')
    def test_R47_files_of_a_container_belong_to_the_runner(self):
        """So nobody has to change owners before outputs are taken and the rest is removed."""
        report = self.run_plan(
            [self.sh('id -u; umask 077; mkdir -p /w/d /w/kept; echo x >/w/d/f; echo y >/w/kept/f')],
            volumes=['/w'],
            outputs=[self.output('/w/d', 'd', type='DIRECTORY')],
        )
        self.assertState(report, 'COMPLETE')
        uid = USER if self.as_user else 0
        self.assertEqual(report['executors'][0]['stdout'], '%d\n' % uid)
        self.assertEqual(self.delivered('d/f'), 'x\n')
        self.assertEqual(os.listdir(self.own), ['lock'])

    @core
    def test_C31_files_belong_to_the_owner_of_the_folder(self):
        if os.geteuid() == 0 and not self.as_user:
            os.chown(self.out, 4321, 4321)
        report = self.run_plan(
            [self.sh('mkdir /w/d; echo x >/w/d/f; umask 077; echo y >/w/d/p; chmod +x /w/d/p')],
            outputs=[self.output('/w/d', 'new/parents/d', type='DIRECTORY')],
        )
        self.assertState(report, 'COMPLETE')
        owner = os.stat(self.out).st_uid
        for name in ('new', 'new/parents', 'new/parents/d', 'new/parents/d/f', 'new/parents/d/p'):
            info = os.stat(self.out + '/' + name)
            self.assertEqual(info.st_uid, owner, name)
            self.assertEqual(info.st_mode & 0o044, 0o044, name)
        self.assertTrue(is_executable(self.out + '/new/parents/d/p'))

    @only('bubblewrap')
    def test_targets_outside_the_roots(self):
        os.symlink('/etc', self.out + '/link')
        for target in (self.out + '/link/x', '/etc/x', '/', self.out + '-other/x', self.out):
            with self.subTest(target=target):
                out = self.out
                self.setUp()
                report = self.run_plan(
                    [self.sh('echo x >/w/f')],
                    outputs=[self.output('/w/f', file=target)],
                    storage={'write': [out]},
                )
                self.assertState(report, 'SYSTEM_ERROR', 'OUTPUT_FAILED')
                self.assertFalse(os.path.exists('/etc/x'))

    @only('bubblewrap')
    def test_overwrites_and_leaves_no_part(self):
        with open(self.out + '/w_f', 'w') as file:
            file.write('old')
        report = self.run_plan([self.sh('echo new >/w/f')], outputs=[self.output('/w/f')])
        self.assertState(report, 'COMPLETE')
        self.assertEqual((self.delivered('w_f'), os.listdir(self.out)), ('new\n', ['w_f']))

    @only('bubblewrap')
    def test_many_outputs_fit_the_report(self):
        script = 'mkdir -p /w/d; i=0; while [ $i -lt 3000 ]; do echo >"/w/d/$1$i"; i=$((i+1)); done'
        report = self.run_plan(
            [self.sh(script, 'n' * 200)],
            outputs=[self.output('/w/d', type='DIRECTORY')],
            seconds=60,
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['cut'], {'outputs': 3000})
        self.assertIn(len(report['outputs']), range(300, 1000))
        with open(self.shared + '/outputs.jsonl') as file:
            self.assertEqual(sum(1 for _ in file), 3000)
